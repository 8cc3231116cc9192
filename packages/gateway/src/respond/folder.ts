/** A folder: its `index.html` if it has one, else a page that lists it. */
import { isFault } from '@ipfs-kit/operations'
import type { Ask } from '../ask.ts'
import { type GatewayResponse, headerOf } from '../exchange.ts'
import { listing, listingSecurityPolicy, listingVersion } from '../listing.ts'
import type { GatewayIpfs } from '../node.ts'
import { peek } from '../peek.ts'
import { noneMatch } from '../validators.ts'
import { respondFile } from './file.ts'

/** A listing changes with the version of the gateway: shown again for a week, asked for anew in the background for a month. */
const listingCache = 'public, max-age=604800, stale-while-revalidate=2678400'

/** Answers with what stands for the folder. */
export async function respondFolder(node: GatewayIpfs, ask: Ask): Promise<GatewayResponse> {
  const { place, request, target } = ask
  const { signal } = request
  const index = await indexOf(node, `${place.cid}/index.html`, signal)
  if (index?.type === 'file') return await respondFile(node, ask, index, 'index.html')

  const etag = `"DirIndex-${listingVersion}-${ask.maxListingEntries}_CID-${place.cid}"`
  const validators = { etag, 'cache-control': listingCache }
  if (noneMatch(headerOf(request, 'if-none-match'), etag)) return { status: 304, headers: validators }
  const headers = {
    ...validators,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': listingSecurityPolicy,
    'referrer-policy': 'no-referrer',
    'accept-ranges': 'none',
  }
  if (request.method === 'HEAD') return { status: 200, headers }
  const entries = node.files.ls(place.cid.toString(), { signal })
  const page = listing(target.names, place.cid, entries, ask.maxListingEntries)
  return { status: 200, headers, body: (await peek(page, 1)).body }
}

async function indexOf({ files }: GatewayIpfs, path: string, signal: AbortSignal) {
  try {
    return await files.stat(path, { signal })
  } catch (error) {
    if (isFault(error) && error.code === 'IPFS_PATH_NOT_FOUND') return undefined
    throw error
  }
}
