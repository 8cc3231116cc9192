import { mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { type Home, homeAt, openHome, readHolder, takeLock } from '@ipfs-kit/kit'
import { expect, onTestFinished, test } from 'vitest'
import { startChild } from './child.ts'
import { temporaryHome } from './temporary-home.ts'

async function newHome(): Promise<Home> {
  return openHome({ path: await temporaryHome() })
}

/** Takes a home until the end of the test. */
async function hold(home: Home): Promise<void> {
  const lock = await takeLock({ home, role: 'command' })
  onTestFinished(() => lock.close())
}

test('refuses a second process and names pid, role and address of the first', async () => {
  const home = await newHome()
  const holder = startChild('hold', [home.path, 'server', '0', 'http://127.0.0.1:4801'])
  await holder.answer()
  const other = await startChild('hold', [home.path]).answer()
  expect(other).toMatchObject({ held: false, code: 'KIT_HOME_LOCKED' })
  expect(other.message).toBe(
    `The home ${home.path} is held by the server with pid ${holder.pid} at http://127.0.0.1:4801`,
  )
})

test('refuses a second lock in the same process', async () => {
  const home = await newHome()
  await hold(home)
  await expect(takeLock({ home, role: 'command' })).rejects.toMatchObject({
    code: 'KIT_HOME_LOCKED',
    kind: 'temporary',
    message: expect.stringContaining(String(process.pid)),
  })
})

test('is freed by kill -9, and the note left behind is not believed', async () => {
  const home = await newHome()
  const killed = startChild('hold', [home.path, 'server'])
  await killed.answer()
  await killed.kill()
  expect(await readHolder(home.path)).toMatchObject({ pid: killed.pid })
  await hold(home)
  expect(await readHolder(home.path)).toMatchObject({ pid: process.pid, role: 'command' })
})

test('does not name a process that has ended', async () => {
  const home = await newHome()
  const ended = startChild('hold', [home.path])
  await ended.answer()
  await ended.kill()
  const stale = await readFile(home.holder, 'utf8')
  await hold(home)
  await writeFile(home.holder, stale)
  await expect(takeLock({ home, role: 'command' })).rejects.toMatchObject({
    code: 'KIT_HOME_LOCKED',
    message: `The home ${home.path} is held by another process`,
  })
})

test('is taken by exactly one of six processes at once; all others name it', async () => {
  const home = await newHome()
  const children = Array.from({ length: 6 }, () => startChild('hold', [home.path]))
  const answers = await Promise.all(children.map((child) => child.answer()))
  const winner = answers.find((answer) => answer.held === true)
  const losers = answers.filter((answer) => answer.held === false)
  expect(losers).toHaveLength(5)
  for (const { message } of losers) expect(message).toContain(`pid ${String(winner?.pid)}`)
})

test('is taken by six processes one after the other when they wait', async () => {
  const home = await newHome()
  const children = Array.from({ length: 6 }, () => startChild('hold', [home.path, 'command', '100000']))
  const turns = children.map(async (child) => {
    const answer = await child.answer()
    await child.finish()
    return answer.held
  })
  expect(await Promise.all(turns)).toEqual([true, true, true, true, true, true])
})

test('outlives a garbage collection of its process', async () => {
  const home = await newHome()
  await startChild('hold', [home.path], ['--expose-gc']).answer()
  await expect(takeLock({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_HOME_LOCKED' })
})

test('ends waiting with the reason of the signal', async () => {
  const home = await newHome()
  await hold(home)
  const controller = new AbortController()
  const reason = new Error('enough')
  const waiting = takeLock({ home, role: 'command', waitMs: 60_000, signal: controller.signal })
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(takeLock({ home, role: 'command', signal: controller.signal })).rejects.toBe(reason)
})

test('says why the note with its addresses cannot be written', async () => {
  const home = await newHome()
  await using lock = await takeLock({ home, role: 'server' })
  await rm(home.holder)
  await mkdir(home.holder)
  const announced = lock.announce({ url: 'http://a' })
  await expect(announced).rejects.toMatchObject({ name: 'KitError', code: 'KIT_HOME_UNWRITABLE' })
  expect(lock.holder).not.toHaveProperty('url')
  await rmdir(home.holder)
})

test('keeps a note for its user only, with the addresses once there are some', async () => {
  const home = await newHome()
  const lock = await takeLock({ home, role: 'server' })
  expect(await readHolder(home.path)).toEqual({
    pid: process.pid,
    startedAt: expect.any(String),
    role: 'server',
  })
  expect((await stat(home.holder)).mode & 0o777).toBe(0o600)
  await Promise.all(['http://a', 'http://b'].map((url) => lock.announce({ url, tokenFile: '/t' })))
  expect(await readHolder(home.path)).toMatchObject({ pid: process.pid, url: 'http://b', tokenFile: '/t' })
  await Promise.all([lock.close(), lock.close()])
  expect(await readHolder(home.path)).toBeUndefined()
  await expect(lock.announce({ url: 'http://a' })).rejects.toMatchObject({ code: 'KIT_CLOSED' })
  await (await takeLock({ home, role: 'command' })).close()
})

test.each(['', '{', 'null', '{"pid":"1"}', '{"pid":0,"startedAt":"now","role":"server"}'])(
  'reads nothing from the note %j',
  async (text) => {
    const home = await newHome()
    await writeFile(home.holder, text)
    expect(await readHolder(home.path)).toBeUndefined()
  },
)

test('refuses a lock file that is something else', async () => {
  const home = await newHome()
  await writeFile(home.lock, 'not a database, and long enough to be looked at as one'.repeat(100))
  await expect(takeLock({ home, role: 'command' })).rejects.toMatchObject({
    code: 'KIT_HOME_INVALID',
    message: expect.stringContaining(home.lock),
  })
})

test('refuses a home where the lock file cannot be made', async () => {
  const home = homeAt(await temporaryHome())
  await mkdir(home.lock, { recursive: true })
  await expect(takeLock({ home, role: 'command' })).rejects.toMatchObject({ code: 'KIT_HOME_UNWRITABLE' })
})
