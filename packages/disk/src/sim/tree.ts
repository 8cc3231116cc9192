/** Files and folders of a simulated disk, by name. */
import type { DiskStat } from '../disk.ts'
import { Content } from './content.ts'

/** A file, under however many names. */
export interface FileNode {
  readonly kind: 'file'
  /** Tells files apart. */
  readonly number: number
  content: Content
  /** Changes of its bytes and its time, of which the last one was at that time of the simulator. */
  changes: number
  modifiedMs: number
  /** Names that programs see. */
  links: number
  /** Open handles. */
  handles: number
  /** Whether its lock is held. */
  locked: boolean
}

/** A folder. */
export interface FolderNode {
  readonly kind: 'folder'
  /** Tells folders apart. */
  readonly number: number
  /** What programs see. */
  entries: Map<string, Node>
  /** What is on the medium. */
  durable: Map<string, Node>
}

export type Node = FileNode | FolderNode

/** Where a path leads: the folder that has the name, the name, and what is there. */
export interface Place {
  readonly folder: FolderNode
  readonly name: string
  readonly node: Node | undefined
}

/** Bytes of a name, as most file systems have it. */
const nameBytes = 255
/** Bytes of a path (PATH_MAX of Linux, its NUL included). */
const pathBytes = 4096

export function createFileNode(number: number, modifiedMs: number, content = new Content()): FileNode {
  return { kind: 'file', number, content, changes: 0, modifiedMs, links: 0, handles: 0, locked: false }
}

export function createFolderNode(number: number): FolderNode {
  return { kind: 'folder', number, entries: new Map(), durable: new Map() }
}

/** What is told of a file or folder. */
export function statOf(node: Node): DiskStat {
  if (node.kind === 'folder') {
    return { kind: 'folder', size: 0, modifiedMs: 0, version: `folder ${node.number}` }
  }
  const { size } = node.content.cached
  const { number, changes, modifiedMs } = node
  return { kind: 'file', size, modifiedMs, version: `${number}.${size}.${changes}` }
}

/** Walks a path. Gives the system's code where it cannot: `ENOENT`, `ENOTDIR`, `ENAMETOOLONG`. */
export function walk(root: FolderNode, path: string): Place | 'ENOENT' | 'ENOTDIR' | 'ENAMETOOLONG' {
  if (isLonger(path, pathBytes - 1)) return 'ENAMETOOLONG'
  const above: FolderNode[] = []
  let place: Place = { folder: root, name: '', node: root }
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    const { node } = place
    if (node === undefined) return 'ENOENT'
    if (node.kind === 'file') return 'ENOTDIR'
    if (name === '..') {
      // Without a name: such a path can be looked at, and not be renamed or removed.
      const folder = above.pop() ?? root
      place = { folder: above.at(-1) ?? root, name: '', node: folder }
      continue
    }
    if (isLonger(name, nameBytes)) return 'ENAMETOOLONG'
    above.push(node)
    place = { folder: node, name, node: node.entries.get(name) }
  }
  if (path.endsWith('/') && place.node?.kind === 'file') return 'ENOTDIR'
  return place
}

/** Whether a text has more bytes than that. Most are so short that three bytes for each unit would not be more. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes
}
