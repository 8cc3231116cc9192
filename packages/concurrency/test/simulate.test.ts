import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { checkpoint, ConcurrencyError, random, sleep } from '@ipfs-kit/concurrency'
import { runProcess } from '@ipfs-kit/concurrency/node'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { program } from './runtime.ts'

test('runs a scenario under each seed of a range, and reports those that fail', async () => {
  let runs = 0
  const report = await simulate(
    async () => {
      runs += 1
      await sleep(5)
      if (random() < 0.2) throw new Error('unlucky')
    },
    { seeds: [11, 60] },
  )
  expect(runs).toBe(50)
  expect(report.runs).toBe(50)
  expect(report.failed.length).toBeGreaterThan(2)
  expect(report.failed.length).toBeLessThan(25)
  const { seed, mode, error } = report.failed[0]!
  expect(mode).toBe('uniform')
  expect(error).toBeInstanceOf(ConcurrencyError)
  expect(error).toMatchObject({ code: 'CONCURRENCY_SIM_FAILED', kind: 'internal' })
  expect(error.message).toBe(`seed ${seed}: unlucky\nto run it again: IPFS_KIT_SEED=${seed}`)
  expect(error.cause).toMatchObject({ message: 'unlucky' })
})

test('gives the same report again', async () => {
  const scenario = () => {
    if (random() < 0.3) throw new Error('unlucky')
  }
  const seeds = async () => (await simulate(scenario)).failed.map(({ seed }) => seed)
  expect(await seeds()).toEqual(await seeds())
})

test('stops after maxFailures', async () => {
  const scenario = () => {
    throw new Error('always')
  }
  expect((await simulate(scenario, { maxFailures: 3 })).runs).toBe(3)
  expect((await simulate(scenario, { maxFailures: 3, mode: 'both' })).failed.map(({ mode }) => mode)).toEqual(
    ['uniform', 'pct', 'uniform'],
  )
})

test('runs both modes with each seed, and names the mode', async () => {
  let runs = 0
  const { failed } = await simulate(
    () => {
      runs += 1
      if (runs === 4) throw new Error('the fourth')
    },
    { seeds: 5, mode: 'both' },
  )
  expect(runs).toBe(10)
  expect(failed[0]!.error.message).toContain('seed 2, mode pct: the fourth')
})

test('bounds the steps of a run', async () => {
  const { failed } = await simulate(
    async () => {
      for (;;) await checkpoint()
    },
    { seeds: 2, maxSteps: 100 },
  )
  expect(failed.map(({ error }) => error.cause)).toMatchObject([
    { code: 'CONCURRENCY_SIM_STEPS' },
    { code: 'CONCURRENCY_SIM_STEPS' },
  ])
})

test('checks what it is given', async () => {
  const nothing = () => undefined
  await expect(simulate('x' as never)).rejects.toThrow(TypeError)
  await expect(simulate(nothing, { seeds: 0 })).rejects.toThrow(RangeError)
  await expect(simulate(nothing, { seeds: [5, 4] })).rejects.toThrow('the last seed is 4')
  await expect(simulate(nothing, { seeds: [-1, 4] })).rejects.toThrow('the first seed is -1')
  await expect(simulate(nothing, { mode: 'all' as never })).rejects.toThrow('not uniform, pct or both')
  await expect(simulate(nothing, { maxFailures: 0 })).rejects.toThrow(RangeError)
  await expect(simulate(nothing, { seed: 4 } as never)).rejects.toThrow('did you mean "seeds"')
})

test('a rejection that nobody handles fails the run it belongs to, and no other', async () => {
  const script = fileURLToPath(new URL('simulate-unhandled.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@ipfs-kit/source', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(said.split('\n')).toEqual([
    'promise: 2 CONCURRENCY_SIM_UNHANDLED lost 2, 4 CONCURRENCY_SIM_UNHANDLED lost 4',
    'task of an owner: 1 CONCURRENCY_SIM_UNHANDLED nobody asked',
    'handled later: none',
    '',
  ])
  expect(code).toBe(0)
})

test('a rejection outside of a run ends the program, as it would without one', async () => {
  const args = ['--conditions=@ipfs-kit/source', program('reject-outside-a-run')]
  const { exitCode, stdout, stderr } = await runProcess(process.execPath, args, { check: false })
  expect(exitCode).not.toBe(0)
  expect(new TextDecoder().decode(stderr)).toContain('Error: foreign')
  expect(new TextDecoder().decode(stdout)).toBe('')
})
