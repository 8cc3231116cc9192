import {
  backendStats,
  cancelScope,
  checkpoint,
  failAfter,
  moveOnAfter,
  random,
  shield,
  sim,
  sleep,
  taskGroup,
  TaskGroupError,
  tree,
  withBackend,
  type Scope,
  type TaskGroup,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 300, mode: 'both' })

/** Errors that a random program throws on purpose. */
class Planted extends Error {}

/** What runs of a random program must not show. */
interface Findings {
  readonly wrong: string[]
  /** Every scope that was opened, for cancelling one of them from anywhere. */
  readonly scopes: Scope[]
  /** Reasons that were seen in force: nothing else may come out beside planted errors. */
  readonly reasons: Set<unknown>
}

const chance = (share: number) => random() < share

/** A random body: waits, cancels, fails, and opens scopes and groups inside. */
async function act(scope: Scope, depth: number, findings: Findings): Promise<void> {
  findings.scopes.push(scope)
  const steps = 1 + Math.floor(random() * 4)
  for (let at = 0; at < steps; at++) {
    const dice = random()
    if (dice < 0.25) await check(scope, checkpoint(), findings)
    else if (dice < 0.45) await check(scope, sleep(random() * 3), findings)
    else if (dice < 0.53) findings.scopes[Math.floor(random() * findings.scopes.length)]!.cancel('random')
    else if (dice < 0.57) throw new Planted('planted')
    else if (depth > 0) await open(depth - 1, findings)
  }
}

/** A wait that comes through must not have begun in a cancelled scope. */
async function check(scope: Scope, wait: Promise<void>, { wrong, reasons }: Findings): Promise<void> {
  const { cancelled, reason } = scope
  if (cancelled) reasons.add(reason)
  try {
    await wait
    if (cancelled) wrong.push(`a wait came through in the cancelled ${scope.name}`)
  } catch (error) {
    reasons.add(error)
    if (!scope.cancelled || error !== scope.reason)
      wrong.push(`a wait of ${scope.name} rejected with ${String(error)}`)
    throw error
  }
}

async function open(depth: number, findings: Findings): Promise<void> {
  const inner = (scope: Scope) => act(scope, depth, findings)
  const dice = random()
  if (dice < 0.15) await cancelScope(inner)
  else if (dice < 0.3) await moveOnAfter(random() * 4, inner)
  else if (dice < 0.4) await shield(inner, { name: 'shield' })
  else if (dice < 0.5) await failAfter(random() * 4, inner).catch((error: unknown) => swallow(error))
  else await openGroup(depth, findings)
}

/** Some programs go on after a failure. */
function swallow(error: unknown): void {
  if (chance(0.5)) throw error
}

async function openGroup(depth: number, findings: Findings): Promise<void> {
  let alive = 0
  const spawn = (group: TaskGroup) => {
    alive += 1
    const task = group.spawn(async (scope) => {
      try {
        if (chance(0.2)) spawn(group)
        await act(scope, depth, findings)
      } finally {
        if (chance(0.2)) await shield(() => sleep(random()))
        alive -= 1
      }
    })
    if (chance(0.1)) task.cancel('handle')
  }
  try {
    await taskGroup(async (group) => {
      findings.scopes.push(group)
      const count = Math.floor(random() * 4)
      for (let at = 0; at < count; at++) spawn(group)
      if (chance(0.3))
        await group.start<void>(async (started, task) => {
          alive += 1
          try {
            await act(task, depth, findings)
            started()
            await act(task, depth, findings)
          } finally {
            alive -= 1
          }
        })
      if (chance(0.5)) await act(group, depth, findings)
    })
  } finally {
    if (alive > 0) findings.wrong.push(`${alive} tasks outlived their group`)
  }
}

onBoth('random programs of scopes, groups and cancellations end whole', async (main) => {
  const findings: Findings = { wrong: [], scopes: [], reasons: new Set() }
  let error: unknown
  await cancelScope((scope) => act(scope, 4, findings)).catch((thrown: unknown) => (error = thrown))
  for (const leaf of error instanceof TaskGroupError ? error.flatten() : [error]) {
    const known =
      leaf === undefined ||
      leaf instanceof Planted ||
      findings.scopes.some(({ reason }) => reason === leaf) ||
      findings.reasons.has(leaf) ||
      (leaf as { code?: string }).code === 'CONCURRENCY_NOT_STARTED'
    if (!known) findings.wrong.push(`it rejected with ${(leaf as Error).message}`)
  }
  expect(findings.wrong).toEqual([])
  expect(main.cancelled).toBe(false)
  expect(tree(main)).toMatchObject({ inner: [], waits: [] })
  expect(backendStats()).toMatchObject({ tasks: 0, timers: 0 })
})

test('the same seed gives the same random program, step by step', async () => {
  const traces = await Promise.all(
    [1, 2].map(async () => {
      const trace: string[] = []
      const findings: Findings = { wrong: [], scopes: [], reasons: new Set() }
      const backend = sim(42, { trace: (line) => trace.push(line) })
      await withBackend((scope) => act(scope, 5, findings), { backend }).catch(() => undefined)
      return trace.join('\n')
    }),
  )
  expect(traces[0]).toBe(traces[1])
})
