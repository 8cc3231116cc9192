/** Content as the web shows it: files, folders with their index page, and nodes of other codecs as they are. */
import { type Ask, immutable, pathName } from '../ask.ts'
import { GatewayError } from '../errors.ts'
import { type GatewayResponse, headerOf } from '../exchange.ts'
import type { GatewayIpfs } from '../node.ts'
import { respondFile } from './file.ts'
import { respondFolder } from './folder.ts'
import { respondNode } from './node.ts'

/** Answers by what the path leads to. */
export async function respondUnixfs(node: GatewayIpfs, ask: Ask): Promise<GatewayResponse> {
  const { place, request, target } = ask
  if (headerOf(request, 'service-worker') === 'script' && target.names.length === 1 && !target.endsInSlash) {
    throw new GatewayError(
      'GATEWAY_SERVICE_WORKER',
      'A service worker cannot be registered for a content root without trailing slash',
    )
  }
  const stat = await node.files.stat(place.cid.toString(), { signal: request.signal })
  switch (stat.type) {
    case 'file':
      return await respondFile(node, ask, stat, pathName(target))
    case 'node':
      return await respondNode(node, ask)
    case 'directory':
      if (target.endsInSlash) return await respondFolder(node, ask)
      // Without the slash relative links would lead to the folder above.
      return {
        status: 301,
        headers: {
          location: `${target.path}/${target.query}`,
          'cache-control': immutable,
          'content-length': '0',
        },
      }
  }
}
