/** Bytes as an agent can read them. */

/**
 * The text of a range of a file: UTF-8 without NUL. A character that the end of the range splits is left out,
 * unless the file ends there too. `undefined` when the bytes are no text, or hold not one whole character.
 */
export function textOf(
  bytes: Uint8Array,
  endsFile: boolean,
): { readonly text: string; readonly length: number } | undefined {
  if (bytes.includes(0)) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !endsFile })
  } catch {
    return undefined
  }
  if (text === '' && bytes.byteLength > 0) return undefined
  return { text, length: Buffer.byteLength(text) }
}
