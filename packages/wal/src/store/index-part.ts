/** The parts of an image of an index: arrays of entries as JSON. */
import type { IndexPart } from './operation-index.ts'

/** What a part has of text before it is full. */
const partChars = 256 * 1024

/** Cuts entries into parts, one at a time. */
export function* partsOf(kind: IndexPart['kind'], entries: Iterable<unknown>): Generator<IndexPart> {
  yield* partsOfTexts(
    kind,
    Iterator.from(entries).map((entry) => JSON.stringify(entry)),
  )
}

/** The same, of entries that are JSON already. */
export function* partsOfTexts(kind: IndexPart['kind'], texts: Iterable<string>): Generator<IndexPart> {
  let gathered: string[] = []
  let chars = 0
  for (const text of texts) {
    gathered.push(text)
    chars += text.length
    if (chars < partChars) continue
    yield part(kind, gathered)
    gathered = []
    chars = 0
  }
  if (gathered.length > 0) yield part(kind, gathered)
}

/** The entries of a part. @throws SyntaxError */
export function entriesOf<Entry>({ json }: IndexPart): Entry[] {
  return JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString()) as Entry[]
}

function part(kind: IndexPart['kind'], texts: readonly string[]): IndexPart {
  return { kind, count: texts.length, json: Buffer.from(`[${texts.join(',')}]`) }
}
