/** What the folders of an add link to, in few bytes: 44 for each, in pages, without an object of its own. */
import { CID } from 'multiformats/cid'

const linksPerPage = 1024
/** A CID of version 1 with a sha2-256; one of version 0 has two bytes less and never begins with the byte of a version. */
const cidBytes = 36

interface Page {
  readonly cids: Buffer
  readonly sizes: Float64Array
}

/** A growing list of links. */
export class FolderLinks {
  readonly #pages: Page[] = []
  #count = 0

  /** Keeps a link. The size is that of the whole DAG. Gives its number. */
  add(cid: CID, size: number): number {
    const at = this.#count % linksPerPage
    if (at === 0) {
      this.#pages.push({
        cids: Buffer.alloc(linksPerPage * cidBytes),
        sizes: new Float64Array(linksPerPage),
      })
    }
    const { cids, sizes } = this.#pages.at(-1)!
    cids.set(cid.bytes, at * cidBytes)
    sizes[at] = size
    this.#count += 1
    return this.#count - 1
  }

  cid(link: number): CID {
    return CID.decode(this.cidBytes(link).slice())
  }

  /** A view. */
  cidBytes(link: number): Uint8Array {
    const { cids } = this.#pages[Math.floor(link / linksPerPage)]!
    const at = (link % linksPerPage) * cidBytes
    return cids.subarray(at, at + (cids[at] === 1 ? cidBytes : cidBytes - 2))
  }

  size(link: number): number {
    return this.#pages[Math.floor(link / linksPerPage)]!.sizes[link % linksPerPage]!
  }
}
