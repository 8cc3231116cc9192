import {
  cancelScope,
  createOwner,
  createSemaphore,
  formatTree,
  moveOnAfter,
  sleep,
  suspend,
  taskGroup,
  tree,
  type Scope,
} from '@ipfs-kit/concurrency'
import { forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('shows scopes and tasks, oldest first, and what each of them waits for', async () => {
  const semaphore = createSemaphore(1, { name: 'disk' })
  using _held = semaphore.tryAcquire()
  await taskGroup(
    async (group) => {
      group.spawn(() => sleep(Infinity), { name: 'idle' })
      group.spawn(() => semaphore.acquire(), { name: 'writer' })
      let commit: Scope | undefined
      const answer = (scope: Scope) => {
        commit = scope
        return suspend<never>(() => () => undefined, { what: 'answer' })
      }
      group.spawn(() => cancelScope(answer, { name: 'commit', deadline: 1e9, shield: true }), {
        name: 'committer',
      })
      await waitAllTasksBlocked()
      expect(tree(group)).toMatchObject({
        kind: 'group',
        name: 'uploads',
        cancelled: false,
        shielded: false,
        waits: [],
        inner: [
          { kind: 'task', name: 'idle', waits: [{ what: 'sleep' }], inner: [] },
          { kind: 'task', name: 'writer', waits: [{ what: 'semaphore', on: 'disk' }] },
          {
            kind: 'task',
            name: 'committer',
            waits: [],
            inner: [
              { kind: 'scope', name: 'commit', shielded: true, deadline: 1e9, waits: [{ what: 'answer' }] },
            ],
          },
        ],
      })
      group.cancel()
      commit!.cancel()
    },
    { name: 'uploads' },
  )
})

onBoth('is a frozen picture of one moment', async () => {
  await taskGroup(async (group) => {
    const before = tree(group)
    group.spawn(() => undefined)
    expect(before.inner).toEqual([])
    expect(Object.isFrozen(before)).toBe(true)
    expect(tree(group).inner).toHaveLength(1)
  })
})

onBoth('as text it has one line for each scope', async () => {
  await taskGroup(
    async (group) => {
      group.spawn(() => moveOnAfter(1_000_000, () => sleep(Infinity), { name: 'request' }), { name: 'fetch' })
      group.spawn(() => sleep(Infinity), { name: 'idle' })
      await waitAllTasksBlocked()
      const lines = formatTree(group)
        .replaceAll(/\d+ ms/g, 'N ms')
        .split('\n')
      expect(lines).toEqual([
        'group "uploads"',
        '  task "fetch"',
        '    scope "request" (N ms left; waits: sleep)',
        '  task "idle" (waits: sleep)',
      ])
      group.cancel()
      expect(formatTree(group)).toContain('group "uploads" (cancelled)')
    },
    { name: 'uploads' },
  )
})

onBoth('shows owners under the root of the backend', async (main) => {
  await using owner = createOwner({ name: 'cache' })
  owner.spawn(() => sleep(1_000_000), { name: 'refill' })
  await waitAllTasksBlocked()
  expect(formatTree()).toMatch(/^root "(native|sim)"/)
  expect(formatTree(main.parent)).toMatch(/\n {2}owner "cache"\n {4}task "refill" \(waits: sleep, \d+ ms\)/)
})

onBoth('says until when a sleep waits', async () => {
  await cancelScope(async (scope) => {
    const nap = sleep(1000)
    const [wait] = tree(scope).waits
    expect(wait).toMatchObject({ what: 'sleep' })
    expect(wait!.until).toBeGreaterThan(0)
    scope.cancel()
    await nap
  })
})

onBoth('ends that have come are not in it', async () => {
  await taskGroup(async (group) => {
    const task = group.spawn(() => moveOnAfter(10, () => sleep(1)))
    await task
    expect(tree(group).inner).toEqual([])
    expect(tree(group).waits).toEqual([])
  })
})

test('what is no scope is refused', () => {
  expect(() => tree({} as Scope)).toThrow(TypeError)
  expect(() => formatTree(null as unknown as Scope)).toThrow(TypeError)
})
