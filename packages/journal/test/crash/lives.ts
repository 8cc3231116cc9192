/** Lives of a journal, each of which ends in a power loss or in the death of its process. */
import assert from 'node:assert/strict'
import type { Blocks } from '@ipfs-kit/blocks'
import { sleep, taskGroup } from '@ipfs-kit/concurrency'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import { type Files, type Journal, JournalError } from '@ipfs-kit/journal'
import { type Opened, openOn } from '../open-on.ts'
import { treeOf } from '../tree-of.ts'
import { checkSnapshots, loseNewest, restoreEach, someVersion } from './versions.ts'
import { type Change, type State, whole, type Writer } from './writer.ts'

export const calm = { readErrors: 0, writeErrors: 0, syncErrors: 0, capacityBytes: 1024 ** 4 }

export async function liveAndCrash(harm?: (disk: SimDisk) => void): Promise<void> {
  let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) * 3 } })
  const writers: Writer[] = ['w0', 'w1', 'w2'].map((name) => ({
    folder: `/${name}`,
    state: new Map(),
    maybe: undefined,
    next: 0,
    snapshots: new Map(),
    unsure: new Map(),
  }))
  for (let life = 0; life < 3; life += 1) {
    if (whole(3) === 0) await loseNewest(disk)
    disk = await openInVain(disk)
    const opened = await openOn(disk, { keepCheckpoints: 1 + whole(3), checkpointChanges: 5 + whole(60) })
    checkSnapshots(opened.journal, writers)
    await check(opened.journal, writers)
    harm?.(disk)
    if (whole(4) > 0) disk.crashAt('any', 1 + whole(300))
    await taskGroup((group) => {
      for (const writer of writers) group.spawn(() => live(opened.journal, writer, 12))
      group.spawn(() => keepCheckpoints(opened.journal))
      group.spawn(() => collect(opened.blocks))
    })
    const next = whole(4) === 0 ? disk.kill() : disk.crash()
    await closeDead(opened)
    disk = next
    disk.setFaults(calm)
  }
  for (let times = 0; times < 2; times += 1) {
    await using opened = await openOn(disk)
    checkSnapshots(opened.journal, writers)
    await opened.blocks.collect()
    await check(opened.journal, writers)
    await opened.journal.checkpoint()
    await check(opened.journal, writers)
    for (const writer of writers) {
      for await (const state of restoreEach(opened.journal, writer)) {
        writer.state = state
        await check(opened.journal, [writer])
      }
    }
  }
}

/** What is there is what was answered, with the change that was not answered or without it. */
async function check(journal: Journal, writers: readonly Writer[]): Promise<void> {
  const all = await treeOf(journal)
  for (const writer of writers) {
    const found = new Map([...all].filter(([path]) => path.startsWith(`${writer.folder}/`)))
    // Of folders the state has their attribute.
    for (const path of found.keys()) {
      if (!path.endsWith('/')) continue
      const { attributes } = await journal.stat(path)
      found.set(path, attributes?.['mark'] ?? '')
    }
    const isMaybe = writer.maybe !== undefined && same(found, writer.maybe)
    if (!isMaybe) assert.deepEqual(sorted(found), sorted(writer.state))
    writer.state = found
    writer.maybe = undefined
  }
}

async function live(journal: Journal, writer: Writer, changes: number): Promise<void> {
  for (let nth = 0; nth < changes; nth += 1) {
    const { state, change } = somethingToDo(journal, writer)
    writer.maybe = state
    try {
      await change()
    } catch (error) {
      if (!(error instanceof JournalError) && (error as Error).name !== 'DiskError') throw error
      // Whether it was done the journal tells, if it still does.
      try {
        await check(journal, [writer])
      } catch (gone) {
        if (gone instanceof JournalError || (gone as Error).name === 'DiskError') return
        throw gone
      }
      continue
    }
    writer.state = state
    writer.maybe = undefined
  }
}

async function keepCheckpoints(journal: Journal): Promise<void> {
  for (let times = whole(4); times > 0; times -= 1) {
    try {
      await journal.checkpoint()
    } catch (error) {
      if (!(error instanceof JournalError) && (error as Error).name !== 'DiskError') throw error
    }
  }
}

/** Takes what the journal has no claim to, at any moment. */
async function collect(blocks: Blocks): Promise<void> {
  for (let times = whole(3); times > 0; times -= 1) {
    await sleep(whole(60))
    try {
      await blocks.collect()
    } catch (error) {
      if (!['BlocksError', 'DiskError'].includes((error as Error).name)) throw error
    }
  }
}

function somethingToDo(journal: Journal, writer: Writer): Change {
  if (whole(5) === 0) return someTransaction(journal, writer)
  return whole(5) === 0 ? someVersion(journal, writer) : someChange(journal, writer)
}

/** Some changes, all or none. */
function someTransaction(journal: Journal, writer: Writer): Change {
  const transaction = journal.begin({ timeoutMs: 3_600_000 })
  const changes: Change[] = []
  let { state } = writer
  for (let times = 1 + whole(4); times > 0; times -= 1) {
    const one = someChange(transaction, { ...writer, state, next: writer.next + 10 * times })
    changes.push(one)
    state = one.state
  }
  writer.next += 50
  return {
    state,
    async change() {
      await using _rollback = transaction
      for (const { change } of changes) await change()
      await transaction.commit()
    },
  }
}

function someChange(journal: Files, writer: Writer): Change {
  const { folder } = writer
  const state = new Map(writer.state)
  if (!state.has(`${folder}/`)) {
    state.set(`${folder}/`, '')
    return { state, change: () => journal.mkdir(folder) }
  }
  const folders = [...state.keys()].filter((path) => path.endsWith('/'))
  const files = [...state.keys()].filter((path) => !path.endsWith('/'))
  const inFolder = `${folders[whole(folders.length)]}n${whole(4)}`
  const isFree = !state.has(inFolder) && !state.has(`${inFolder}/`)
  const file = files[whole(files.length)]
  writer.next += 1
  const text = `${folder} ${writer.next} `.repeat(1 + whole(30))
  switch (whole(9)) {
    case 0:
      if (!isFree) break
      state.set(`${inFolder}/`, '')
      return { state, change: () => journal.mkdir(inFolder) }
    case 1: {
      if (file === undefined) break
      state.set(file, state.get(file)! + text)
      return { state, change: () => journal.append(file, Buffer.from(text)) }
    }
    case 2: {
      const entry = [...state.keys()][whole(state.size)]!
      const path = entry.replace(/\/$/, '')
      if (path === folder) break
      removeFrom(state, path)
      return { state, change: () => journal.rm(path, { recursive: true }) }
    }
    case 3:
    case 4: {
      const entry = [...state.keys()][whole(state.size)]!
      const path = entry.replace(/\/$/, '')
      if (path === folder || !isFree || inFolder.startsWith(`${path}/`)) break
      const isMove = whole(2) === 0
      for (const [from, content] of writer.state) {
        if (from !== path && !from.startsWith(`${path}/`)) continue
        if (isMove) state.delete(from)
        state.set(`${inFolder}${from.slice(path.length)}`, content)
      }
      return { state, change: () => (isMove ? journal.mv(path, inFolder) : journal.cp(path, inFolder)) }
    }
    case 5:
      if (file === undefined) break
      state.set(file, text)
      return { state, change: () => journal.write(file, Buffer.from(text)) }
    case 6: {
      const path = folders[whole(folders.length)]!
      const mark = ['', text.slice(0, 9), 'mark'][whole(3)]!
      state.set(path, mark)
      return { state, change: () => journal.setAttributes(path, { mark: mark === '' ? undefined : mark }) }
    }
  }
  if (state.has(`${inFolder}/`)) {
    removeFrom(state, inFolder)
    return { state, change: () => journal.rm(inFolder, { recursive: true }) }
  }
  state.set(inFolder, text)
  return { state, change: () => journal.write(inFolder, Buffer.from(text)) }
}

function removeFrom(state: Map<string, string>, path: string): void {
  for (const one of [...state.keys()]) if (one === path || one.startsWith(`${path}/`)) state.delete(one)
}

/** Opening crashes or fails, at another place each time. */
async function openInVain(disk: SimDisk): Promise<SimDisk> {
  let current = disk
  for (let times = whole(3); times > 0; times -= 1) {
    const crashes = whole(2) === 0
    if (crashes) current.crashAt('any', 1 + whole(60))
    else current.failAt('any', 1 + whole(60))
    let opened: Opened | undefined
    try {
      opened = await openOn(current)
    } catch (error) {
      assert.ok(isOfDisk(error), String(error))
    }
    const next = crashes && whole(2) === 0 ? current.crash() : current.kill()
    if (opened !== undefined) await closeDead(opened)
    current = next
  }
  return current
}

/** Whether an opening may fail so, of the journal and of the closing of its blocks after that. */
function isOfDisk(error: unknown): boolean {
  if (error instanceof SuppressedError) return isOfDisk(error.error) && isOfDisk(error.suppressed)
  return ['JournalError', 'BlocksError', 'DiskError'].includes((error as Error).name)
}

/** Closes what is dead: it ends, whatever it says. */
export async function closeDead(opened: Opened): Promise<void> {
  try {
    await opened[Symbol.asyncDispose]()
  } catch (error) {
    assert.ok(
      ['WalError', 'JournalError', 'BlocksError', 'DiskError', 'SuppressedError'].includes(
        (error as Error).name,
      ),
      String(error),
    )
  }
}

function same(left: State, right: State): boolean {
  return left.size === right.size && [...left].every(([path, text]) => right.get(path) === text)
}

function sorted(state: State): (readonly [string, string])[] {
  return [...state].toSorted(([left], [right]) => (left < right ? -1 : 1))
}
