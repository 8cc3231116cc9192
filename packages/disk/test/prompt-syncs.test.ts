import { expect, test } from 'vitest'
import { createPromptSyncs } from '../src/prompt-syncs.ts'

/** Syncs by hand, on a clock by hand. */
function byHand() {
  const time = { beganMs: 0, idleMs: 0 }
  const prompt = createPromptSyncs(() => ({ ...time }))
  /** One by a thread, during which the event loop waits for so much of the time. */
  const byThread = (ms: number, idleShare: number): void => {
    const look = prompt.began()
    time.beganMs += ms
    time.idleMs += ms * idleShare
    prompt.ended(look)
  }
  /** How many may be done at once in a row, up to 1000. */
  const inARow = (): number => {
    let allowed = 0
    while (allowed < 1000 && prompt.allowed()) allowed += 1
    return allowed
  }
  const pass = (ms: number): void => {
    time.beganMs += ms
    time.idleMs += ms
  }
  return { prompt, byThread, inARow, pass }
}

test('the first goes by a thread, and if the event loop had nothing to do meanwhile the next ones do not', () => {
  const { prompt, byThread, inARow } = byHand()
  expect(inARow()).toBe(0)
  byThread(0.2, 0.9)
  expect(inARow()).toBe(64)
  expect(prompt.sentAway).toBe(2)
})

test('while the event loop has other work, or the disk is slow, all go by a thread', () => {
  const { byThread, inARow } = byHand()
  byThread(0.2, 0.4)
  expect(inARow()).toBe(0)
  byThread(2.1, 1)
  expect(inARow()).toBe(0)
  byThread(1.75, 0.6)
  expect(inARow()).toBe(64)
})

test('after a slow one they go by a thread for a time that is its square', () => {
  const { prompt, byThread, inARow, pass } = byHand()
  for (const [tookMs, restMs] of [
    [3, 9],
    [100, 10_000],
  ] as const) {
    byThread(0.25, 1)
    expect(prompt.allowed()).toBe(true)
    prompt.took(tookMs)
    expect(inARow()).toBe(0)
    pass(restMs - 0.5)
    byThread(0.25, 1)
    expect(inARow()).toBe(0)
    byThread(0.25, 1)
    expect(inARow()).toBe(64)
  }
  expect(prompt.slow).toBe(2)
})

test('fast ones change nothing', () => {
  const { prompt, byThread, inARow } = byHand()
  byThread(0.25, 1)
  for (let round = 0; round < 10; round += 1) {
    expect(prompt.allowed()).toBe(true)
    prompt.took(2)
  }
  expect(inARow()).toBe(54)
  expect(prompt.slow).toBe(0)
})
