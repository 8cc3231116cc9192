/** The plainest tree that does what a journal does: for comparisons. */
import type { JournalErrorCode } from '@ipfs-kit/journal'

/** A file has text, a folder has entries; and what it carries. Text is ASCII, so that its characters are its bytes. */
export interface PlainNode {
  readonly attributes: ReadonlyMap<string, string>
  readonly text?: string
  readonly entries?: ReadonlyMap<string, PlainNode>
  readonly mode?: number | undefined
  /** Seconds since 1970. */
  readonly mtime?: number | undefined
  readonly mount?: 'read-only' | 'writable' | undefined
  /** What was mounted. */
  readonly mounted?: PlainNode | undefined
  /** The tier that it is pinned to. */
  readonly tier?: string | undefined
}

/** What a node carries beside its content and its attributes. */
type Carried = 'mount' | 'attributes' | 'tier'

/** Mode and time as they are given; null takes away. */
interface PlainMetadata {
  readonly mode?: number | null
  readonly mtime?: number | null
}

/** What is done, in JSON. */
export type PlainOp =
  | ({
      readonly op: 'write'
      readonly path: string
      readonly text: string
      readonly parents?: boolean
    } & PlainMetadata)
  | { readonly op: 'append'; readonly path: string; readonly text: string }
  | { readonly op: 'writeAt'; readonly path: string; readonly offset: number; readonly text: string }
  | { readonly op: 'truncate'; readonly path: string; readonly size: number }
  | ({ readonly op: 'mkdir'; readonly path: string; readonly parents?: boolean } & PlainMetadata)
  | ({ readonly op: 'meta'; readonly path: string } & PlainMetadata)
  | { readonly op: 'rm'; readonly path: string; readonly recursive: boolean }
  | { readonly op: 'mv' | 'cp'; readonly from: string; readonly to: string; readonly parents?: boolean }
  | { readonly op: 'mark'; readonly path: string; readonly value?: string | undefined }
  /** What is at `from` is written, and put or mounted by its CID. */
  | { readonly op: 'put'; readonly from: string; readonly path: string; readonly parents?: boolean }
  | {
      readonly op: 'mount'
      readonly from: string
      readonly path: string
      readonly parents?: boolean
      readonly mount: 'read-only' | 'writable'
    }
  | { readonly op: 'unmount'; readonly path: string; readonly keep: boolean }

/** The clock of a journal that does what a plain tree does stands still here: milliseconds since 1970. */
export const plainClock = 1_700_000_000_000

const emptyFolder: PlainNode = { attributes: new Map(), entries: new Map() }

/** Why something is refused. */
class Refusal extends Error {
  readonly code: JournalErrorCode

  constructor(code: JournalErrorCode) {
    super(code)
    this.code = code
  }
}

/** A tree that never changes. */
export class PlainTree {
  readonly root: PlainNode

  constructor(root: PlainNode = emptyFolder) {
    this.root = root
  }

  /** The tree after something was done; `undefined` for what a journal refuses. */
  after(op: PlainOp): PlainTree | undefined {
    const tried = this.tried(op)
    return tried instanceof PlainTree ? tried : undefined
  }

  /** The tree after something was done, or the code with which a journal refuses it. */
  tried(op: PlainOp): PlainTree | JournalErrorCode {
    return orCode(() => this.#done(op))
  }

  /** The tree with what another one has at a path, or the code with which a journal refuses that. */
  restored(path: string, from: PlainTree): PlainTree | JournalErrorCode {
    return orCode(() => {
      const node = stripped(from.#there(path), ['mount', 'tier'])
      const there = this.#look(path)
      this.#checkRemovable(path)
      return this.#withParents(path, { ...node, tier: there?.tier }, true)
    })
  }

  /** The tree with a path pinned to a tier, or to none, or the code with which a journal refuses that. */
  pinned(path: string, tier: string | undefined): PlainTree | JournalErrorCode {
    return orCode(() => this.with(path, { ...this.#there(path), tier })!)
  }

  #done(op: PlainOp): PlainTree {
    switch (op.op) {
      case 'write': {
        const there = this.#look(op.path)
        if (there?.entries !== undefined) throw new Refusal('JOURNAL_NOT_A_FILE')
        this.#checkWritable(op.path)
        const { attributes, mount, mounted, tier } = there ?? emptyFolder
        const node = { attributes, mount, mounted, tier, text: op.text, ...given(op) }
        return this.#withParents(op.path, node, op.parents)
      }
      case 'append':
        return this.#edited(op.path, (text) => text + op.text)
      case 'writeAt':
        return this.#edited(
          op.path,
          (text) =>
            op.text === ''
              ? text
              : text.slice(0, op.offset).padEnd(op.offset, '\0') +
                op.text +
                text.slice(op.offset + op.text.length),
          op.text !== '',
        )
      case 'truncate':
        return this.#edited(op.path, (text) => text.slice(0, op.size).padEnd(op.size, '\0'))
      case 'mkdir': {
        const there = this.#look(op.path)
        if (there?.entries !== undefined && op.parents === true) return this
        if (there !== undefined) throw new Refusal('JOURNAL_EXISTS')
        this.#checkWritable(op.path)
        return this.#withParents(op.path, { ...emptyFolder, ...given(op) }, op.parents)
      }
      case 'meta': {
        const there = this.#there(op.path)
        this.#checkWritable(op.path)
        return this.with(op.path, { ...there, ...given(op) })!
      }
      case 'rm': {
        if (op.path === '/') throw new Refusal('JOURNAL_INTO_ITSELF')
        const there = this.#there(op.path)
        if (!op.recursive && (there.entries?.size ?? 0) > 0) throw new Refusal('JOURNAL_NOT_EMPTY')
        this.#checkRemovable(op.path)
        return this.with(op.path, undefined)!
      }
      case 'mv':
        return this.#moved(op)
      case 'cp': {
        this.#there(op.from)
        this.#checkFree(op.to)
        // Folders that are missing are made before: a folder that is copied into itself has them.
        const made = this.#withFolders(op.to, op.parents)
        return made.with(op.to, stripped(made.at(op.from)!, ['mount', 'tier']))!
      }
      case 'mark': {
        const there = this.#there(op.path)
        this.#checkWritable(op.path)
        const attributes = new Map(there.attributes)
        if (op.value === undefined) attributes.delete('mark')
        else attributes.set('mark', op.value)
        return this.with(op.path, { ...there, attributes })!
      }
      case 'put':
      case 'mount': {
        const there = stripped(this.#there(op.from), ['mount', 'attributes', 'tier'])
        this.#checkFree(op.path)
        const node = op.op === 'mount' ? { ...there, mount: op.mount, mounted: there } : there
        return this.#withParents(op.path, node, op.parents)
      }
      case 'unmount': {
        const there = this.#there(op.path)
        if (there.mount === undefined) throw new Refusal('JOURNAL_NOT_MOUNTED')
        const { mount: _, mounted: __, ...node } = there
        if (op.keep) return this.with(op.path, node)!
        if (hasMount(node)) throw new Refusal('JOURNAL_MOUNTED')
        return this.with(op.path, undefined)!
      }
    }
  }

  at(path: string): PlainNode | undefined {
    let node: PlainNode | undefined = this.root
    for (const name of namesOf(path)) node = node?.entries?.get(name)
    return node
  }

  /** The tree with another node at a path whose folder is there. */
  with(path: string, node: PlainNode | undefined): PlainTree | undefined {
    const replaced = (folder: PlainNode | undefined, names: readonly string[]): PlainNode | undefined => {
      const [name, ...rest] = names
      if (name === undefined) return node
      if (folder?.entries === undefined) return undefined
      const entries = new Map(folder.entries)
      if (rest.length > 0) {
        const inner = replaced(entries.get(name), rest)
        if (inner === undefined) return undefined
        entries.set(name, inner)
      } else if (node === undefined) entries.delete(name)
      else entries.set(name, node)
      return { ...folder, entries }
    }
    const root = replaced(this.root, namesOf(path))
    return root === undefined ? undefined : new PlainTree(root)
  }

  /** The tree without what its paths carry. */
  withoutMarks(): PlainTree {
    return new PlainTree(stripped(this.root, ['mount', 'attributes', 'tier']))
  }

  /** Paths, each with what is there: text of files, `/` for folders, and the attribute. */
  rows(): Map<string, string> {
    return this.#rows(({ text, attributes }) => `${text ?? '/'} ${attributes.get('mark') ?? ''}`)
  }

  /** Paths, each with all that there is of it. */
  fullRows(): Map<string, string> {
    return this.#rows(({ text, attributes, mode, mtime, mount }) =>
      fullRow({ text, mark: attributes.get('mark'), mode, mtime, mount }),
    )
  }

  #rows(rowOf: (node: PlainNode) => string): Map<string, string> {
    const found = new Map<string, string>()
    const visit = (path: string, node: PlainNode): void => {
      found.set(path, rowOf(node))
      for (const name of [...(node.entries?.keys() ?? [])].toSorted()) {
        visit(`${path === '/' ? '' : path}/${name}`, node.entries!.get(name)!)
      }
    }
    visit('/', this.root)
    return found
  }

  /** What is at a path; a file on the way is none of its business. */
  #look(path: string): PlainNode | undefined {
    let node: PlainNode | undefined = this.root
    for (const name of namesOf(path)) {
      if (node !== undefined && node.entries === undefined) throw new Refusal('JOURNAL_NOT_A_FOLDER')
      node = node?.entries?.get(name)
    }
    return node
  }

  #there(path: string): PlainNode {
    const node = this.#look(path)
    if (node === undefined) throw new Refusal('JOURNAL_NOT_FOUND')
    return node
  }

  #checkFree(path: string): void {
    if (this.#look(path) !== undefined) throw new Refusal('JOURNAL_EXISTS')
    this.#checkWritable(path)
  }

  #checkWritable(path: string): void {
    let mount = this.root.mount
    let node: PlainNode | undefined = this.root
    for (const name of namesOf(path)) {
      node = node?.entries?.get(name)
      mount = node?.mount ?? mount
    }
    if (mount === 'read-only') throw new Refusal('JOURNAL_READ_ONLY')
  }

  #checkRemovable(path: string): void {
    const there = this.at(path)
    if (there !== undefined && (there.mount !== undefined || hasMount(there))) {
      throw new Refusal('JOURNAL_MOUNTED')
    }
    this.#checkWritable(path)
  }

  #moved({ from, to, parents }: Extract<PlainOp, { readonly op: 'mv' | 'cp' }>): PlainTree {
    const there = this.#there(from)
    if (from === to && from !== '/') return this
    if (from === '/' || `${to}/`.startsWith(`${from}/`)) throw new Refusal('JOURNAL_INTO_ITSELF')
    if (to === '/' || `${from}/`.startsWith(`${to}/`)) throw new Refusal('JOURNAL_NOT_EMPTY')
    const target = this.#look(to)
    if (target?.entries !== undefined) {
      if (there.entries === undefined) throw new Refusal('JOURNAL_EXISTS')
      if (target.entries.size > 0) throw new Refusal('JOURNAL_NOT_EMPTY')
    } else if (target !== undefined && there.entries !== undefined) throw new Refusal('JOURNAL_NOT_A_FOLDER')
    this.#checkWritable(there.mount === undefined ? from : parentOf(from))
    this.#checkRemovable(to)
    const made = this.#withFolders(to, parents)
    return made.with(from, undefined)!.with(to, there)!
  }

  /** A file with other text. Where nothing is written, nothing is changed. */
  #edited(path: string, edit: (text: string) => string, isWritten?: boolean): PlainTree {
    const there = this.#there(path)
    if (there.text === undefined) throw new Refusal('JOURNAL_NOT_A_FILE')
    this.#checkWritable(path)
    const text = edit(there.text)
    const isChanged = isWritten ?? text.length !== there.text.length
    const mtime = isChanged && there.mtime !== undefined ? plainClock / 1000 : there.mtime
    return this.with(path, { ...there, text, mtime })!
  }

  #withParents(path: string, node: PlainNode, parents: boolean | undefined): PlainTree {
    return this.#withFolders(path, parents).with(path, node)!
  }

  /** The folders on the way to a path are there. */
  #withFolders(path: string, parents: boolean | undefined): PlainTree {
    const above = parentOf(path)
    if (path === '/' || this.#look(above) !== undefined) return this
    if (parents !== true) throw new Refusal('JOURNAL_NOT_FOUND')
    return this.#withFolders(above, parents).with(above, emptyFolder)!
  }
}

/** All that there is of something, as one text. */
export function fullRow(row: {
  readonly text: string | undefined
  readonly mark: string | undefined
  readonly mode: number | undefined
  readonly mtime: number | undefined
  readonly mount: string | undefined
}): string {
  const { text, mark, mtime, mount } = row
  const mode = row.mode ?? (text === undefined ? 0o755 : 0o644)
  return [text ?? '/', mode.toString(8), mtime ?? '-', JSON.stringify(mark ?? null), mount ?? '-'].join(' ')
}

/** What comes of it, or the code of its refusal. */
function orCode(work: () => PlainTree): PlainTree | JournalErrorCode {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

/** The metadata that are given, where null is none. */
function given({ mode, mtime }: PlainMetadata): Pick<PlainNode, 'mode' | 'mtime'> {
  return {
    ...(mode !== undefined && { mode: mode ?? undefined }),
    ...(mtime !== undefined && { mtime: mtime ?? undefined }),
  }
}

/** A node without what does not go with it. */
function stripped(node: PlainNode, what: readonly Carried[]): PlainNode {
  const { mount, mounted, tier, attributes, entries, ...rest } = node
  return {
    ...rest,
    ...(!what.includes('mount') && { mount, mounted }),
    ...(!what.includes('tier') && { tier }),
    attributes: what.includes('attributes') ? new Map() : attributes,
    ...(entries && {
      entries: new Map(Array.from(entries, ([name, inner]) => [name, stripped(inner, what)] as const)),
    }),
  }
}

/** Whether there is a mount below a node. */
function hasMount({ entries }: PlainNode): boolean {
  return [...(entries?.values() ?? [])].some((inner) => inner.mount !== undefined || hasMount(inner))
}

export function parentOf(path: string): string {
  return `/${namesOf(path).slice(0, -1).join('/')}`
}

export function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}
