/** What is in a journal, for comparisons. */
import type { Files, ListedEntry, ListOptions, ReadOptions } from '@ipfs-kit/journal'

/** Paths with the text of their files; folders end in a slash. */
export async function treeOf(journal: Files, path = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let after: string | undefined
  do {
    const page = await journal.ls(path === '' ? '/' : path, {
      limit: 3,
      ...(after !== undefined && { after }),
    })
    for (const { name, kind } of page.entries) {
      const inner = `${path}/${name}`
      if (kind === 'directory') {
        found.set(`${inner}/`, '')
        for (const one of await treeOf(journal, inner)) found.set(...one)
      } else found.set(inner, await textOf(journal, inner))
    }
    after = page.next
  } while (after !== undefined)
  return found
}

export async function textOf(journal: Files, path: string, options: ReadOptions = {}): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of journal.read(path, options)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

/** All entries of a list, page by page; between two pages something may be done. */
export async function listAll(
  files: Files,
  path: string,
  options: Omit<ListOptions, 'after'> = {},
  between: (page: number) => Promise<unknown> = async () => undefined,
): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = []
  let after: string | undefined
  for (let page = 1; ; page += 1) {
    const { entries: some, next } = await files.ls(path, {
      ...options,
      ...(after !== undefined && { after }),
    })
    entries.push(...some)
    if (next === undefined) return entries
    after = next
    await between(page)
  }
}
