/** What is in a journal, for comparisons. */
import type { Files, ReadOptions } from '@ipfs-kit/journal'

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
