/** Content that stands in the input or the output itself, for agents: no stream, but bounded text or base64. */
import { z } from 'zod'
import { OperationError } from './errors.ts'

/** Bytes of one input or answer at most. */
const maxInlineBytes = 1_048_576
/** Bytes that are answered as base64 at most. */
const maxBase64Bytes = 65_536

/** Fields of an input that brings content, for {@link contentOf}. */
export const contentFields = {
  text: z.string().max(maxInlineBytes).optional().describe('The content as text; either this or base64'),
  base64: z
    .string()
    .max(Math.ceil(maxInlineBytes / 3) * 4)
    .optional()
    .describe('The content as base64'),
}

/** Fields of an input that asks for a range of a file. */
export const rangeFields = {
  offset: z.int().min(0).default(0).describe('First byte'),
  length: z.int().min(1).max(maxInlineBytes).default(65_536).describe('Number of bytes at most'),
}

/** Fields of an output that gives a range of a file, as {@link inlineContent} makes it. */
export const inlineFields = {
  size: z.number().describe('Bytes of the whole file'),
  offset: z.number().describe('First byte of this answer'),
  length: z.number().describe('Bytes of the file in this answer; go on at offset + length'),
  text: z.string().optional().describe('The range, when it is UTF-8 text; cut at the border of a character'),
  base64: z
    .string()
    .optional()
    .describe(`The range, when it is binary; at most ${maxBase64Bytes.toLocaleString('en')} bytes of it`),
}

/** Bytes as an agent can read them. */
export interface InlineContent {
  /** Bytes that are in it, from the first. */
  readonly length: number
  /** The bytes, when they are UTF-8 without NUL. A character that the end of the range splits is left out. */
  readonly text?: string
  /** The first 65,536 bytes at most, when they are no text, or hold not one whole character. */
  readonly base64?: string
}

/**
 * The bytes that an input brings in its {@link contentFields}, 1,048,576 at most.
 *
 * @param operation - its name, for messages
 * @throws OperationError OPERATION_INVALID_INPUT for none, both, a text with a lone surrogate, or what is no base64 with padding;
 * OPERATION_BODY_TOO_LARGE
 */
export function contentOf(
  operation: string,
  { text, base64 }: { readonly text?: string | undefined; readonly base64?: string | undefined },
): Uint8Array {
  const invalid = (what: string) => new OperationError('OPERATION_INVALID_INPUT', `${operation}: ${what}`)
  if ((text === undefined) === (base64 === undefined)) throw invalid('give either text or base64')
  // UTF-8 has no bytes for it: something else would be stored.
  if (text?.isWellFormed() === false) throw invalid('text has a lone surrogate')
  if (base64 !== undefined && (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64))) {
    throw invalid('base64 is not standard base64 with padding')
  }
  const bytes = Buffer.from(text ?? base64 ?? '', text === undefined ? 'base64' : 'utf8')
  if (bytes.byteLength > maxInlineBytes) {
    const message = `${operation}: the content has ${bytes.byteLength} bytes; ${maxInlineBytes} are allowed`
    throw new OperationError('OPERATION_BODY_TOO_LARGE', message)
  }
  return bytes
}

/**
 * The bytes of a range of a file as text, or as base64.
 *
 * @param endsFile - whether the file ends with the range: a character that is split there makes it no text
 */
export function inlineContent(bytes: Uint8Array, endsFile: boolean): InlineContent {
  const text = textOf(bytes, endsFile)
  if (text !== undefined) return { length: Buffer.byteLength(text), text }
  const first = bytes.subarray(0, maxBase64Bytes)
  return { length: first.byteLength, base64: Buffer.from(first).toString('base64') }
}

function textOf(bytes: Uint8Array, endsFile: boolean): string | undefined {
  if (bytes.includes(0)) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !endsFile })
  } catch {
    return undefined
  }
  return text === '' && bytes.byteLength > 0 ? undefined : text
}
