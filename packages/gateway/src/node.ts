/** What the gateway takes from a node: reading only. */
import type { Ipfs } from '@ipfs-kit/ipfs'

/** The smallest slice of a node that a gateway needs. An `Ipfs` is one. */
export interface GatewayIpfs {
  readonly files: Pick<Ipfs['files'], 'cat' | 'ls' | 'stat' | 'resolve'>
  readonly car: Pick<Ipfs['car'], 'export'>
  readonly blocks: Pick<Ipfs['blocks'], 'get'>
}
