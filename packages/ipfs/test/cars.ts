/** Content archives made by the ecosystem's writer, or by hand where it would refuse. */
import { CarReader } from '@ipld/car/reader'
import { CarWriter } from '@ipld/car/writer'
import { encode } from '@ipld/dag-cbor'
import { varint } from 'multiformats'
import { CID } from 'multiformats/cid'
import { concat } from './opened.ts'

export interface CarBlock {
  readonly cid: CID
  readonly bytes: Uint8Array
}

/** An archive as `@ipld/car` writes it. */
export async function written(roots: readonly CID[], blocks: readonly CarBlock[]): Promise<Uint8Array> {
  const { writer, out } = CarWriter.create(roots as never)
  const bytes = concat(out)
  for (const block of blocks) await writer.put(block as never)
  await writer.close()
  return bytes
}

/** An archive as `@ipld/car` reads it. */
export async function readBack(bytes: Uint8Array): Promise<{ roots: string[]; blocks: CarBlock[] }> {
  const reader = await CarReader.fromBytes(bytes)
  const blocks: CarBlock[] = []
  for await (const block of reader.blocks())
    blocks.push({ cid: CID.decode(block.cid.bytes), bytes: block.bytes })
  return { roots: (await reader.getRoots()).map(String), blocks }
}

export function length(value: number): Uint8Array {
  return varint.encodeTo(value, new Uint8Array(varint.encodingLength(value)))
}

/** A header with whatever is given. */
export function header(value: unknown): Uint8Array {
  const bytes = encode(value)
  return Buffer.concat([length(bytes.length), bytes])
}

/** The bytes in pieces of this size. */
export async function* pieces(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
