/** A file: its bytes, or a range of them. */
import type { CID } from 'multiformats/cid'
import { type Ask, immutable, wantedName } from '../ask.ts'
import { contentDisposition } from '../disposition.ts'
import { type GatewayResponse, headerOf } from '../exchange.ts'
import { mediaTypeOfBytes, mediaTypeOfName, sniffBytes } from '../media-type.ts'
import type { GatewayIpfs } from '../node.ts'
import { firstBytes, joined, peek } from '../peek.ts'
import { contentRange, parseRange } from '../range.ts'
import { noneMatch, rangeAllowed } from '../validators.ts'

/** Answers with a file. `name` is its name in the folder, if it was reached through one. */
export async function respondFile(
  { files }: GatewayIpfs,
  { request, target }: Ask,
  file: { readonly cid: CID; readonly size: number },
  name: string | undefined,
): Promise<GatewayResponse> {
  const { signal } = request
  const path = file.cid.toString()
  const etag = `"${path}"`
  const validators = { etag, 'cache-control': immutable }
  if (noneMatch(headerOf(request, 'if-none-match'), etag)) return { status: 304, headers: validators }

  const range =
    request.method === 'GET' && rangeAllowed(headerOf(request, 'if-range'), etag)
      ? parseRange(headerOf(request, 'range'), file.size)
      : undefined
  const wanted = wantedName(target)
  const attached = target.params.get('download') === 'true'
  const headers = {
    ...validators,
    'accept-ranges': 'bytes',
    'content-length': String(range?.length ?? file.size),
    ...(range !== undefined && { 'content-range': contentRange(range, file.size) }),
    ...((attached || wanted !== undefined) && {
      'content-disposition': contentDisposition(attached ? 'attachment' : 'inline', wanted ?? name ?? path),
    }),
  }
  const byName = mediaTypeOfName(wanted ?? name)

  if (request.method === 'GET' && range === undefined) {
    const { body } = await files.cat(path, { signal })
    const start = await peek(body, byName === undefined ? sniffBytes : 1)
    const contentType = byName ?? mediaTypeOfBytes(joined(start.head, sniffBytes))
    return { status: 200, headers: { ...headers, 'content-type': contentType }, body: start.body }
  }
  const contentType = byName ?? mediaTypeOfBytes(await headOf(files, path, signal))
  if (range === undefined) return { status: 200, headers: { ...headers, 'content-type': contentType } }
  const { body } = await files.cat(path, { ...range, signal })
  return {
    status: 206,
    headers: { ...headers, 'content-type': contentType },
    body: (await peek(body, 1)).body,
  }
}

async function headOf(
  files: Pick<GatewayIpfs['files'], 'cat'>,
  path: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { body } = await files.cat(path, { length: sniffBytes, signal })
  return await firstBytes(body, sniffBytes)
}
