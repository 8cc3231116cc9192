import { checkpoint, createSemaphore, currentScope, random, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend, type EachBackendOptions } from '@ipfs-kit/concurrency/testing'
import { afterEach, expect, test, vi } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('runs a test on each backend', async (scope) => {
  expect(currentScope()).toBe(scope)
  const semaphore = createSemaphore(1)
  let inside = 0
  await taskGroup((group) => {
    for (let at = 0; at < 4; at++) {
      group.spawn(async () => {
        using _permit = await semaphore.acquire()
        expect((inside += 1)).toBe(1)
        await checkpoint()
        await sleep(1)
        inside -= 1
      })
    }
  })
  expect(semaphore.available).toBe(1)
})

/** The tests that are registered under the given environment. */
function registered(
  environment: Record<string, string>,
  run: () => unknown,
  options?: EachBackendOptions,
  ownOptions?: EachBackendOptions,
): Map<string, () => Promise<void>> {
  vi.stubEnv('IPFS_KIT_BACKEND', '')
  vi.stubEnv('IPFS_KIT_SEED', '')
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const tests = new Map<string, () => Promise<void>>()
  forEachBackend((name, body) => tests.set(name, body), options)('works', run, ownOptions)
  return tests
}

afterEach(() => {
  vi.unstubAllEnvs()
})

const nothing = () => undefined

test('registers one test for each backend, with the number of seeds', () => {
  expect([...registered({}, nothing).keys()]).toEqual(['[native] works', '[sim, 100 seeds] works'])
  expect([...registered({}, nothing, { seeds: 20 }).keys()]).toContain('[sim, 20 seeds] works')
  expect([...registered({}, nothing, { seeds: 20 }, { seeds: 3 }).keys()]).toContain('[sim, 3 seeds] works')
  expect([...registered({}, nothing, { only: 'sim' }).keys()]).toEqual(['[sim, 100 seeds] works'])
  expect([...registered({}, nothing, { only: 'native' }).keys()]).toEqual(['[native] works'])
})

test('the environment selects a backend, and a seed', () => {
  const names = (environment: Record<string, string>) => [...registered(environment, nothing).keys()]
  expect(names({ IPFS_KIT_BACKEND: 'native' })).toEqual(['[native] works'])
  expect(names({ IPFS_KIT_BACKEND: 'sim' })).toEqual(['[sim, 100 seeds] works'])
  expect(names({ IPFS_KIT_BACKEND: 'sim:5' })).toEqual(['[sim, seed 5] works'])
  expect(names({ IPFS_KIT_SEED: '7' })).toEqual(['[sim, seed 7] works'])
  expect(names({ IPFS_KIT_BACKEND: 'sim', IPFS_KIT_SEED: '7' })).toEqual(['[sim, seed 7] works'])
  expect(names({ IPFS_KIT_BACKEND: 'native', IPFS_KIT_SEED: '7' })).toEqual(['[native] works'])
  expect(() => names({ IPFS_KIT_BACKEND: 'both' })).toThrow('IPFS_KIT_BACKEND is "both"')
  expect(() => names({ IPFS_KIT_BACKEND: 'native:1' })).toThrow(RangeError)
  expect(() => names({ IPFS_KIT_SEED: 'x' })).toThrow('IPFS_KIT_SEED is "x"')
})

test('a failing seed is named, and fails again alone', async () => {
  const draws: number[] = []
  const fails = () => {
    const drawn = random()
    draws.push(drawn)
    if (drawn < 0.1) throw new Error(`drew ${drawn}`)
  }
  const error: unknown = await registered({}, fails).get('[sim, 100 seeds] works')!().catch(
    (thrown: unknown) => thrown,
  )
  const last = draws.at(-1)
  expect(error).toMatchObject({
    code: 'CONCURRENCY_SIM_FAILED',
    cause: expect.objectContaining({ message: `drew ${last}` }) as unknown,
  })
  const [, seed] = /to run it again: IPFS_KIT_SEED=(\d+)$/.exec((error as Error).message) ?? []
  expect(Number(seed)).toBe(draws.length)
  draws.length = 0
  const again = registered({ IPFS_KIT_SEED: seed! }, fails).get(`[sim, seed ${seed}] works`)!()
  await expect(again).rejects.toThrow(`seed ${seed}: drew ${last}`)
  expect(draws).toEqual([last])
})

test('runs once on the native backend, and gives the error untouched', async () => {
  let runs = 0
  const own = new Error('own')
  const tests = registered({}, () => {
    runs += 1
    throw own
  })
  await expect(tests.get('[native] works')!()).rejects.toBe(own)
  expect(runs).toBe(1)
})

test('checks what it is given', () => {
  expect(() => forEachBackend(undefined as never)).toThrow(TypeError)
  expect(() => forEachBackend(test, { seed: 1 } as never)).toThrow('did you mean "seeds"')
  expect(() => registered({}, nothing, { seeds: 0 })).toThrow(RangeError)
  expect(() => registered({}, 'x' as never)).toThrow(TypeError)
})
