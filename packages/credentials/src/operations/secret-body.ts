/** A secret that comes as the body of a call. */
import { CredentialsError } from '../errors.ts'

/** Bytes of the text of a secret. */
export const maxSecretBytes = 65_536

/**
 * Reads the text of a secret.
 *
 * @throws CredentialsError `CREDENTIALS_INVALID` if it is longer than 65,536 bytes or no UTF-8; the message does not repeat it
 */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.byteLength
    if (length > maxSecretBytes) throw invalid(`has more than ${maxSecretBytes} bytes`)
    pieces.push(piece)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    // The decoder's own error says no more.
    throw invalid('is no UTF-8')
  }
}

function invalid(what: string): CredentialsError {
  return new CredentialsError('CREDENTIALS_INVALID', `The secret ${what}`)
}
