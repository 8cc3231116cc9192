/** Reads the input of an operation from a query string or from a JSON body. */
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { OperationError } from './errors.ts'
import { newUpload, readBody } from './http-body.ts'
import type { AnyOperation } from './operation.ts'

/** The part of a JSON schema that says of what type a value is. */
interface TypedSchema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly TypedSchema[]
  readonly oneOf?: readonly TypedSchema[]
  readonly properties?: Readonly<Record<string, TypedSchema>>
}

/** Turns the texts of a query into values of the types that the input's schema names. */
export type QueryReader = (query: Readonly<Record<string, unknown>>) => Record<string, unknown>

/**
 * Makes the query reader of an entry. Texts that are no value of the type stay texts: the schema says then what is wrong.
 */
export function queryReader(entry: AnyOperation): QueryReader {
  // Made when it is needed: a server has many entries, and most are not called.
  let types: ReadonlyMap<string, ReadonlySet<string>> | undefined
  return (query) => {
    types ??= inputTypesOf(entry)
    const input: [string, unknown][] = []
    for (const [key, text] of Object.entries(query)) {
      if (typeof text !== 'string') {
        throw new OperationError(
          'OPERATION_INVALID_INPUT',
          `${entry.name}: the query names ${JSON.stringify(key)} more than once`,
        )
      }
      input.push([key, valueOf(text, types.get(key))])
    }
    return Object.fromEntries(input)
  }
}

function inputTypesOf(entry: AnyOperation): ReadonlyMap<string, ReadonlySet<string>> {
  const schema = z.toJSONSchema(entry.input, { io: 'input', unrepresentable: 'any' }) as TypedSchema
  return new Map(Object.entries(schema.properties ?? {}).map(([key, value]) => [key, typesOf(value)]))
}

function typesOf(schema: TypedSchema): ReadonlySet<string> {
  const types = new Set<string>(typeof schema.type === 'string' ? [schema.type] : schema.type)
  for (const value of 'const' in schema ? [schema.const] : (schema.enum ?? [])) types.add(typeof value)
  for (const choice of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    for (const type of typesOf(choice)) types.add(type)
  }
  return types
}

function valueOf(text: string, types: ReadonlySet<string> | undefined): unknown {
  if (types === undefined || types.has('string')) return text
  const numeric = types.has('number') || types.has('integer')
  if (numeric && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/**
 * Reads a JSON object; an empty body is `{}`.
 *
 * @throws `OPERATION_MEDIA_TYPE` for another content type, `OPERATION_BODY_INVALID` for something that is no JSON object,
 * `OPERATION_BODY_TOO_LARGE` above `maxBytes`
 */
export async function readJson(
  source: Readable | undefined,
  contentType: string | undefined,
  options: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<Record<string, unknown>> {
  const pieces: Uint8Array[] = []
  if (source !== undefined) {
    for await (const piece of readBody(source, { ...options, upload: newUpload() })) pieces.push(piece)
  }
  const bytes = Buffer.concat(pieces)
  if (contentType === undefined ? bytes.length > 0 : !/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new OperationError(
      'OPERATION_MEDIA_TYPE',
      `The input is JSON: send it as application/json, not as ${contentType ?? 'a body without content type'}`,
    )
  }
  if (bytes.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new OperationError('OPERATION_BODY_INVALID', 'The body is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OperationError('OPERATION_BODY_INVALID', 'The body is JSON but not an object')
  }
  return value as Record<string, unknown>
}
