/** The blocks of DAGs, as links alone tell of them. */
import type { Blocks } from '@ipfs-kit/blocks'
import { linksOf } from '@ipfs-kit/ipfs/unixfs'
import type { CID } from 'multiformats/cid'

/** Blocks by their CIDs, each with what it links to. */
export type Dag = ReadonlyMap<string, DagBlock>

interface DagBlock {
  readonly cid: CID
  readonly bytes: Uint8Array
  readonly links: readonly string[]
}

/** All blocks of a DAG, of which none is missing. */
export async function dagOf(blocks: Pick<Blocks, 'get'>, root: CID): Promise<Dag> {
  const dag = new Map<string, DagBlock>()
  const open = [root]
  for (let cid = open.pop(); cid !== undefined; cid = open.pop()) {
    if (dag.has(cid.toString())) continue
    const bytes = (await blocks.get(cid))!
    const links = linksOf(cid, bytes)
    dag.set(cid.toString(), { cid, bytes, links: links.map(String) })
    open.push(...links)
  }
  return dag
}

/** The blocks to which links lead from one, it too; nothing leads on from those where it ends. */
export function reached(
  dag: Dag,
  root: string,
  isEnd: (cid: string) => boolean = () => false,
): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [root]
  for (let cid = open.pop(); cid !== undefined; cid = open.pop()) {
    if (found.has(cid)) continue
    found.add(cid)
    if (!isEnd(cid)) open.push(...dag.get(cid)!.links)
  }
  return found
}
