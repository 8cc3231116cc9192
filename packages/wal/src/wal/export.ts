/** Operations in pages, and as JSON lines. */
import type { CallOptions } from '../log/log.ts'
import type { LoggedOperation } from '../store/operation.ts'
import type { OperationFilter } from '../store/operation-index.ts'
import type { Wal } from './wal.ts'

/** Operations that are read at once: each may have a megabyte. */
const pageSize = 100

/** Operations, some at a time. */
export type Pages = AsyncGenerator<readonly LoggedOperation[], void, undefined>

/** All operations of a filter, the newest first, a page at a time. What is promised meanwhile is left out. */
export async function* pagesOf(wal: Pick<Wal, 'list'>, filter: OperationFilter & CallOptions): Pages {
  let before: number | undefined
  do {
    const page = await wal.list({ ...filter, limit: pageSize, ...(before !== undefined && { before }) })
    if (page.operations.length > 0) yield page.operations
    before = page.next
  } while (before !== undefined)
}

/** An operation a line. */
export async function* jsonLines(
  pages: AsyncIterable<readonly LoggedOperation[]>,
): AsyncGenerator<Uint8Array> {
  for await (const page of pages) yield Buffer.from(page.map((one) => `${JSON.stringify(one)}\n`).join(''))
}

/** The same pages, once it is known that there are some; undefined if there are none. */
export async function begun(pages: Pages): Promise<Pages | undefined> {
  const first = await pages.next()
  if (first.done === true) return undefined
  return (async function* () {
    yield first.value
    yield* pages
  })()
}
