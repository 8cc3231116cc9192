/** Describes a table of operations as an OpenAPI 3.1 document. Its schemas are those of the entries, written out by zod. */
import { z } from 'zod'
import { answerOf, operationErrors } from './errors.ts'
import { hasGet, routePath } from './routes.ts'
import type { AnyOperation } from './operation.ts'

/** What {@link openApiDocument} takes. */
export interface OpenApiOptions {
  readonly operations: readonly AnyOperation[]
  readonly title: string
  readonly version: string
  /** Where the server is, if it is known. Default: the server that the document came from. */
  readonly serverUrl?: string
}

/** A JSON object of the document. */
export type OpenApiObject = { [key: string]: unknown }

/** An OpenAPI 3.1 document, as far as it is written here. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly servers?: readonly { readonly url: string }[]
  readonly security: readonly OpenApiObject[]
  readonly paths: { readonly [path: string]: { get?: OpenApiObject; post: OpenApiObject } }
  readonly components: {
    readonly schemas: OpenApiObject
    readonly responses: OpenApiObject
    readonly securitySchemes: OpenApiObject
  }
}

const requestIdHeader = {
  'x-request-id': { description: 'Id of the call, also in node.operations.', schema: { type: 'string' } },
}

/**
 * Makes the document: one path for each entry, with `post` and, for reads without a body, `get`. The operationId of a
 * POST is the name of the entry, that of a GET has `.get` behind it.
 */
export function openApiDocument(options: OpenApiOptions): OpenApiDocument {
  const schemas: OpenApiObject = { Error: errorSchema() }
  const paths: Record<string, { get?: OpenApiObject; post: OpenApiObject }> = {}
  for (const entry of options.operations) {
    const input = addSchema(schemas, `${entry.name}.input`, entry.input, 'input')
    const responses = responsesOf(entry, schemas)
    const about = {
      tags: [entry.name.split('.', 1)[0]],
      summary: entry.summary,
      description: `Effect: ${entry.effect}. Scope of the token: ${entry.scope}.`,
    }
    const inQuery = entry.body !== 'none'
    const post = {
      ...about,
      operationId: entry.name,
      ...(inQuery ? { parameters: [...parametersOf(schemas, input), ...filenameParameter(entry)] } : {}),
      requestBody: inQuery ? uploadBody(entry) : inputBody(schemas, input),
      responses,
    }
    const get = {
      ...about,
      operationId: `${entry.name}.get`,
      parameters: parametersOf(schemas, input),
      responses,
    }
    paths[routePath(entry)] = hasGet(entry) ? { post, get } : { post }
  }
  return {
    openapi: '3.1.0',
    info: { title: options.title, version: options.version },
    ...(options.serverUrl === undefined ? {} : { servers: [{ url: options.serverUrl }] }),
    security: [{ token: [] }],
    paths,
    components: {
      schemas,
      responses: {
        Error: {
          description: 'The call failed; the status follows from the kind.',
          headers: requestIdHeader,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
  }
}

/** Adds the schema of an input or output, and what it refers to, and gives back its name. */
function addSchema(schemas: OpenApiObject, name: string, schema: z.ZodType, io: 'input' | 'output'): string {
  const { $schema: _, $defs, ...root } = z.toJSONSchema(schema, { io }) as OpenApiObject
  const at = `#/components/schemas/${name}`
  schemas[name] = withRefs(root, at)
  for (const [key, definition] of Object.entries(($defs ?? {}) as OpenApiObject)) {
    schemas[`${name}.${key}`] = withRefs(definition, at)
  }
  return name
}

/** The same schema with references into the document instead of into itself. */
function withRefs(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withRefs(item, at))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== '$ref' || typeof inner !== 'string') return [key, withRefs(inner, at)]
      return [key, inner === '#' ? at : inner.replace(/^#\/\$defs\//, `${at}.`)]
    }),
  )
}

function parametersOf(schemas: OpenApiObject, name: string): OpenApiObject[] {
  const { properties = {}, required = [] } = schemas[name] as {
    properties?: OpenApiObject
    required?: string[]
  }
  return Object.entries(properties).map(([key, schema]) => {
    const { description, ...rest } = schema as OpenApiObject
    return {
      name: key,
      in: 'query',
      required: required.includes(key),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    }
  })
}

function filenameParameter(entry: AnyOperation): OpenApiObject[] {
  if (entry.body !== 'files') return []
  return [
    {
      name: 'filename',
      in: 'query',
      required: false,
      description: 'Path of a raw body.',
      schema: { type: 'string' },
    },
  ]
}

function inputBody(schemas: OpenApiObject, name: string): OpenApiObject {
  const { required = [] } = schemas[name] as { required?: string[] }
  return {
    required: required.length > 0,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
  }
}

function uploadBody(entry: AnyOperation): OpenApiObject {
  const raw = { 'application/octet-stream': {} }
  if (entry.body === 'bytes') return { required: true, content: raw }
  const form = {
    type: 'object',
    description:
      'One part for each file, its filename the relative path. A part of type application/x-directory is an empty folder.',
    properties: {
      file: { type: 'array', items: { type: 'string', contentMediaType: 'application/octet-stream' } },
      failed: {
        type: 'array',
        description:
          'A file that the sender could not read; right after the part of that file it takes it back.',
        items: {
          type: 'object',
          properties: { path: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } },
          required: ['path', 'code', 'message'],
        },
      },
    },
  }
  return {
    required: true,
    description:
      'A form, or the bytes of one file, whose path is in the query parameter filename (default: file).',
    content: { 'multipart/form-data': { schema: form }, ...raw },
  }
}

function responsesOf(entry: AnyOperation, schemas: OpenApiObject): OpenApiObject {
  return {
    200: { description: 'The answer.', headers: requestIdHeader, content: answerContent(entry, schemas) },
    default: { $ref: '#/components/responses/Error' },
  }
}

function answerContent(entry: AnyOperation, schemas: OpenApiObject): OpenApiObject {
  if (entry.returns === 'bytes') return { '*/*': {} }
  const $ref = `#/components/schemas/${addSchema(schemas, `${entry.name}.output`, entry.output, 'output')}`
  if (entry.returns === 'value') return { 'application/json': { schema: { $ref } } }
  const error = {
    type: 'object',
    properties: { error: { $ref: '#/components/schemas/Error' } },
    required: ['error'],
  }
  return {
    'application/x-ndjson': {
      schema: { description: 'Each line; an error may be the last one.', anyOf: [{ $ref }, error] },
    },
  }
}

function errorSchema(): OpenApiObject {
  const codes = Object.entries(operationErrors).map(
    ([code, { kind }]) => `${code} (${answerOf(kind).status})`,
  )
  return {
    type: 'object',
    description: `Codes that any operation may answer, among others: ${codes.join(', ')}.`,
    properties: {
      code: { type: 'string', description: 'Stable name of the error.' },
      kind: { type: 'string', description: 'Decides the status and the exit code.' },
      message: { type: 'string', description: 'What happened. Not stable.' },
      next: { type: 'string', description: 'What to do next.' },
      retryable: { type: 'boolean', description: 'Whether the same call may succeed later.' },
      requestId: { type: 'string' },
    },
    required: ['code', 'kind', 'message', 'next', 'retryable', 'requestId'],
  }
}
