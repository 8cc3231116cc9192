/** The process of a home. */
import { rm } from 'node:fs/promises'
import { type Log, openLog } from '@ipfs-kit/wal'
import { contentOf, MiB, pathOf, streamOf } from './content.ts'
import { type Home, openHome } from './home.ts'
import { peakMiB, residentMiB, resetPeak } from './memory.ts'
import { secondsOf } from './rounds.ts'
import type { Questions, Reply } from './worker.ts'

type Answers = {
  readonly [Name in keyof Questions]: (question: Questions[Name][0]) => Promise<Questions[Name][1]>
}

const writers = 64
let opened: Home | undefined
let records: Log | undefined

const answers: Answers = {
  async warmUp({ path }) {
    {
      await using other = await openHome(path)
      await makeFolder(other)
      await create(other, 0, 5000)
      await other.journal.checkpoint()
      await create(other, 5000, 10_000)
    }
    await rm(path, { recursive: true })
  },
  async open({ path, checkpointChanges }) {
    opened = await openHome(path, checkpointChanges)
    const { took, journal } = opened
    if (journal.stats().sequence === 0) await makeFolder(opened)
    return { ...took, changes: journal.recovery.changes }
  },
  async create({ from, to }) {
    const before = process.cpuUsage()
    const seconds = await create(home(), from, to)
    const { user, system } = process.cpuUsage(before)
    return { seconds, cpuSeconds: (user + system) / 1_000_000 }
  },
  async createOn({ from }) {
    const { journal } = home()
    for (let writer = 0; writer < writers; writer += 1) {
      void (async () => {
        for (let nth = from + writer; ; nth += writers) await journal.write(pathOf(nth), contentOf(nth))
      })()
    }
  },
  async appendRecords({ path, count }) {
    const log = (records ??= await openLog({ path }))
    const payload = Buffer.alloc(1024, 7)
    return { seconds: await secondsOf(0, count, writers, () => log.append(payload)) }
  },
  async check({ files }) {
    const { journal } = home()
    const found = new Set<string>()
    for (let after: string | undefined, isMore = true; isMore; isMore = after !== undefined) {
      const page = await journal.ls('/files', { limit: 10_000, ...(after !== undefined && { after }) })
      for (const { name } of page.entries) found.add(`/files/${name}`)
      after = page.next
    }
    for (let nth = 0; nth < files; nth += 1) {
      if (!found.has(pathOf(nth))) throw new Error(`${pathOf(nth)} is not there`)
    }
    for (let nth = 0; nth < files; nth += 997) {
      const pieces: Uint8Array[] = []
      for await (const piece of journal.read(pathOf(nth))) pieces.push(piece)
      if (!Buffer.concat(pieces).equals(contentOf(nth))) throw new Error(`${pathOf(nth)} has other bytes`)
    }
    return { found: found.size }
  },
  async checkpoint() {
    const began = performance.now()
    await home().journal.checkpoint()
    return { seconds: (performance.now() - began) / 1000 }
  },
  async firstPage() {
    const began = performance.now()
    const { entries } = await home().journal.ls('/files')
    return { ms: performance.now() - began, entries: entries.length }
  },
  async writeLarge({ by, bytes, seed }) {
    const stream = streamOf(seed)
    await writeLarge(by, '/first.bin', stream(32 * MiB))
    globalThis.gc?.()
    const began = performance.now()
    const cid = await writeLarge(by, '/large.bin', stream(bytes))
    return { seconds: (performance.now() - began) / 1000, cid }
  },
  async memory() {
    const peak = peakMiB()
    const MiB = residentMiB()
    resetPeak()
    return { MiB, peakMiB: peak }
  },
  async close() {
    await opened?.[Symbol.asyncDispose]()
    await records?.close()
    opened = undefined
    records = undefined
  },
}

function home(): Home {
  if (opened === undefined) throw new Error('The home is not open')
  return opened
}

async function makeFolder({ journal }: Home): Promise<void> {
  await journal.mkdir('/files')
}

async function create({ journal }: Home, from: number, to: number): Promise<number> {
  return await secondsOf(from, to, writers, (nth) => journal.write(pathOf(nth), contentOf(nth)))
}

/** Gives its CID. */
async function writeLarge(
  by: 'journal' | 'add',
  path: string,
  content: AsyncIterable<Uint8Array>,
): Promise<string> {
  const { journal, ipfs } = home()
  if (by === 'journal') {
    await journal.write(path, content)
    return String((await journal.stat(path)).cid)
  }
  let cid = ''
  for await (const item of ipfs.files.add([{ path: path.slice(1), content }])) {
    if ('failed' in item && typeof item.failed === 'object') throw new Error(item.failed.message)
    if ('items' in item) cid = String(item.cid)
  }
  return cid
}

const send = (reply: Reply): void => void process.send?.(reply)

process.on('message', ({ question, input }: { question: keyof Questions; input: never }) => {
  answers[question](input).then(
    (answer) => send({ answer }),
    (error: unknown) => send({ error: error instanceof Error ? messageOf(error) : String(error) }),
  )
})
// Whatever is still open when the asker has left: it has its answer.
process.on('disconnect', () => process.exit())

function messageOf(error: Error): string {
  const cause = error.cause instanceof Error ? ` (${messageOf(error.cause)})` : ''
  return `${error.message}${cause}`
}
