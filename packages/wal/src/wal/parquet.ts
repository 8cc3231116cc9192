/** Operations as a Parquet file. What waits for the reader is one row group. */
import type { SchemaElement } from 'hyparquet-writer'
import type { LoggedOperation } from '../store/operation.ts'

type Cell = string | number | bigint | Date | undefined

interface Column {
  readonly element: SchemaElement
  readonly of: (operation: LoggedOperation) => Cell
}

/** A row group ends when it has so many rows, or so many characters of text. */
const groupRows = 10_000
const groupCharacters = 4_194_304

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const

const whole = { type: 'INT64' } as const
const time = { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' } as const

/** The columns. Lists and objects are JSON, as texts. */
const columns: readonly Column[] = [
  always('id', whole, ({ id }) => BigInt(id)),
  always('lsn', whole, ({ lsn }) => BigInt(lsn)),
  always('type', text, ({ type }) => type),
  always('state', text, ({ state }) => state),
  perhaps('backend', text, ({ backend }) => backend),
  always('priority', whole, ({ priority }) => BigInt(priority)),
  perhaps('key', text, ({ key }) => key),
  always('created_at', time, ({ createdAt }) => new Date(createdAt)),
  always('due_at', time, ({ dueAt }) => new Date(dueAt)),
  perhaps('finished_at', time, ({ finishedAt }) => dateOf(finishedAt)),
  always('attempt_count', whole, ({ attemptCount }) => BigInt(attemptCount)),
  perhaps('failure_code', text, ({ failure }) => failure?.code),
  perhaps('failure_message', text, ({ failure }) => failure?.message),
  always('params', text, ({ params }) => JSON.stringify(params)),
  perhaps('result', text, ({ result }) => jsonOf(result)),
  perhaps('progress', text, ({ progress }) => jsonOf(progress)),
  perhaps('items', text, ({ items }) => jsonOf(items)),
  always('attempts', text, ({ attempts }) => JSON.stringify(attempts)),
]

/** The file, in pieces: a row group each, and its end. */
export async function* parquetFile(
  pages: AsyncIterable<readonly LoggedOperation[]>,
): AsyncGenerator<Uint8Array> {
  // Loaded when somebody wants a file.
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
  const bytes = new ByteWriter()
  const root = { name: 'operations', num_children: columns.length }
  const schema = [root, ...columns.map(({ element }) => element)]
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'ipfs-kit' })
  let rows = createRows()
  for await (const page of pages) {
    for (const operation of page) rows.add(operation)
    if (rows.count < groupRows && rows.characters < groupCharacters) continue
    await writer.write({ columnData: rows.columnData, rowGroupSize: rows.count })
    yield taken(bytes)
    rows = createRows()
  }
  if (rows.count > 0) await writer.write({ columnData: rows.columnData, rowGroupSize: rows.count })
  await writer.finish()
  yield taken(bytes)
}

function createRows() {
  const columnData = columns.map(({ element }) => ({ name: element.name, data: [] as Cell[] }))
  return {
    columnData,
    count: 0,
    characters: 0,
    add(operation: LoggedOperation): void {
      for (const [nth, { of }] of columns.entries()) {
        const cell = of(operation)
        columnData[nth]!.data.push(cell)
        if (typeof cell === 'string') this.characters += cell.length
      }
      this.count += 1
    },
  }
}

/** What was written since the last time. The writer goes on in the same buffer. */
function taken(writer: { readonly buffer: ArrayBuffer; index: number }): Uint8Array {
  const piece = new Uint8Array(writer.buffer.slice(0, writer.index))
  writer.index = 0
  return piece
}

function always(name: string, type: Partial<SchemaElement>, of: Column['of']): Column {
  return { element: { name, repetition_type: 'REQUIRED', ...type }, of }
}

function perhaps(name: string, type: Partial<SchemaElement>, of: Column['of']): Column {
  return { element: { name, repetition_type: 'OPTIONAL', ...type }, of }
}

function jsonOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
