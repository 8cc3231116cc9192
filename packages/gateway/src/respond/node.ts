/** A node that is not UnixFS: its block as it is, under the media type of its codec. */
import { immutable, type Ask, wantedName } from '../ask.ts'
import { contentDisposition } from '../disposition.ts'
import { GatewayError } from '../errors.ts'
import { type GatewayResponse, headerOf } from '../exchange.ts'
import type { GatewayIpfs } from '../node.ts'
import { noneMatch } from '../validators.ts'

/** Media type and file name extension by the code of the codec (multicodec table). */
const codecs: ReadonlyMap<number, readonly [mediaType: string, extension: string]> = new Map([
  [0x51, ['application/cbor', 'cbor']],
  [0x71, ['application/vnd.ipld.dag-cbor', 'cbor']],
  [0x0129, ['application/vnd.ipld.dag-json', 'json']],
  [0x0200, ['application/json', 'json']],
])

/** Answers with the block of a node in JSON or CBOR. */
export async function respondNode(
  node: GatewayIpfs,
  { place, request, target }: Ask,
): Promise<GatewayResponse> {
  const codec = codecs.get(place.cid.code)
  if (codec === undefined) {
    throw new GatewayError(
      'GATEWAY_CODEC',
      `${place.cid} is neither a file nor a folder, and its codec 0x${place.cid.code.toString(16)} has no media type`,
    )
  }
  const etag = `"${place.cid}"`
  const validators = { etag, 'cache-control': immutable }
  if (noneMatch(headerOf(request, 'if-none-match'), etag)) return { status: 304, headers: validators }
  const [mediaType, extension] = codec
  const bytes = await node.blocks.get(place.cid, { signal: request.signal })
  const attached = extension === 'cbor' || target.params.get('download') === 'true'
  return {
    status: 200,
    headers: {
      ...validators,
      'content-type': mediaType,
      'content-length': String(bytes.byteLength),
      'content-disposition': contentDisposition(
        attached ? 'attachment' : 'inline',
        wantedName(target) ?? `${place.cid}.${extension}`,
      ),
    },
    body: bytes,
  }
}
