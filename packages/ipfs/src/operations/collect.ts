/** Small bodies, as bytes and back. */
import { IpfsError } from '../errors.ts'

/** Largest body that becomes one block; the node's own `maxBlockBytes` may be less. */
export const maxNodeBytes = 16_777_216

/** All bytes of a body. @throws IpfsError IPFS_BLOCK_TOO_LARGE beyond {@link maxNodeBytes} */
export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > maxNodeBytes)
      throw new IpfsError('IPFS_BLOCK_TOO_LARGE', `A block has at most ${maxNodeBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Bytes as a body. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
