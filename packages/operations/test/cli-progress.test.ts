import { expect, test } from 'vitest'
import { run } from './cli-fixture.ts'

const MiB = 1_048_576

/** Runs `things report` with one report each time the clock says so. */
function reported(
  times: readonly number[],
  options: { readonly terminals?: readonly ('stdout' | 'stderr')[] } = {},
) {
  let now = 0
  return (...args: string[]) =>
    run(['things', 'report', ...args], {
      ...options,
      clock: () => now,
      parts: {
        reports: times.slice(0, -1).map((time, index) => ({
          stage: 'adding',
          bytes: (time * MiB) / 100,
          totalBytes: 1_024 * MiB,
          items: index,
        })),
        tick: (index) => (now = times[index] as number),
      },
    })
}

test('on a terminal one live line is drawn at most ten times a second and cleared at the end', async () => {
  const { code, stderr } = await reported([0, 50, 99, 100, 1_000, 1_100], { terminals: ['stderr'] })()
  expect(code).toBe(0)
  expect(stderr.split('\r').slice(1)).toEqual([
    'adding 0 B / 1.0 GiB 0 items\u001B[K',
    'adding 1.0 MiB / 1.0 GiB 10.0 MiB/s 3 items\u001B[K',
    'adding 10.0 MiB / 1.0 GiB 10.0 MiB/s 4 items\u001B[K',
    '\u001B[K',
  ])
})

test('a line of data on the same terminal takes the live line away first', async () => {
  const { stdout, stderr } = await reported([0, 200], { terminals: ['stdout', 'stderr'] })()
  expect(stdout).toBe('{"index":0}\n')
  expect(stderr).toBe('\radding 0 B / 1.0 GiB 0 items\u001B[K\r\u001B[K')
})

test('the live line is not longer than the terminal', async () => {
  const { stderr } = await run(['things', 'report'], {
    terminals: ['stderr'],
    clock: () => 0,
    parts: { reports: [{ stage: 'a'.repeat(100), bytes: 0 }] },
  })
  expect(stderr).toBe(`\r${'a'.repeat(59)}\u001B[K\r\u001B[K`)
})

test('elsewhere long work gets a plain line every five seconds and one at its end', async () => {
  const { stderr } = await reported([0, 4_999, 5_000, 9_000, 10_100, 12_000])()
  expect(stderr.split('\n')).toEqual([
    'adding 50.0 MiB / 1.0 GiB 10.0 MiB/s 2 items',
    'adding 101 MiB / 1.0 GiB 10.0 MiB/s 4 items',
    'adding 101 MiB / 1.0 GiB 8.4 MiB/s 4 items',
    '',
  ])
})

test('short work gets none', async () => {
  const { stderr } = await reported([0, 2_000, 4_000, 5_000])()
  expect(stderr).toBe('')
})

test('with --json there is none at all', async () => {
  for (const terminals of [[], ['stderr'] as const]) {
    const { stderr, stdout } = await reported([0, 6_000, 12_000], { terminals })('--json')
    expect(stderr).toBe('')
    expect(stdout).toBe('{"index":0}\n{"index":1}\n')
  }
})
