/** One block as it is: `application/vnd.ipld.raw`. */
import { type Ask, immutable, wantedName } from '../ask.ts'
import { contentDisposition } from '../disposition.ts'
import { type GatewayResponse, headerOf } from '../exchange.ts'
import type { GatewayIpfs } from '../node.ts'
import { contentRange, parseRange } from '../range.ts'
import { noneMatch, rangeAllowed } from '../validators.ts'

/** Answers with the block that the path leads to; its bytes hash to the CID. */
export async function respondRaw(node: GatewayIpfs, ask: Ask): Promise<GatewayResponse> {
  const { place, request, target } = ask
  const etag = `"${place.cid}.raw"`
  const validators = { etag, 'cache-control': immutable }
  const bytes = await node.blocks.get(place.cid, { signal: request.signal })
  if (noneMatch(headerOf(request, 'if-none-match'), etag)) return { status: 304, headers: validators }
  const headers = {
    ...validators,
    'content-type': 'application/vnd.ipld.raw',
    'content-disposition': contentDisposition('attachment', wantedName(target) ?? `${place.cid}.bin`),
    'accept-ranges': 'bytes',
  }
  const range =
    request.method === 'GET' && rangeAllowed(headerOf(request, 'if-range'), etag)
      ? parseRange(headerOf(request, 'range'), bytes.byteLength)
      : undefined
  if (range === undefined) {
    return { status: 200, headers: { ...headers, 'content-length': String(bytes.byteLength) }, body: bytes }
  }
  return {
    status: 206,
    headers: {
      ...headers,
      'content-length': String(range.length),
      'content-range': contentRange(range, bytes.byteLength),
    },
    body: bytes.subarray(range.offset, range.offset + range.length),
  }
}
