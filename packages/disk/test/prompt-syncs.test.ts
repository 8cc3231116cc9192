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
  /** So many by a thread as it takes before any is done at once. */
  const untilTrusted = (): void => {
    for (let times = 0; times < 8; times += 1) byThread(0.25, 1)
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
  return { prompt, byThread, untilTrusted, inARow, pass }
}

test('the first ones go by a thread, and if they were fast and the event loop had nothing to do meanwhile the next do not', () => {
  const { prompt, byThread, inARow } = byHand()
  for (let times = 0; times < 8; times += 1) {
    expect(inARow()).toBe(0)
    byThread(0.2, 0.9)
  }
  expect(inARow()).toBe(64)
  byThread(0.2, 0.9)
  expect(inARow()).toBe(64)
  expect(prompt.sentAway).toBe(10)
})

test.each([
  ['the event loop has other work', 0.2, 0.4],
  ['the disk is slow', 0.55, 1],
])('one during which %s begins it anew', (_, ms, idleShare) => {
  const { byThread, untilTrusted, inARow } = byHand()
  untilTrusted()
  byThread(ms, idleShare)
  expect(inARow()).toBe(0)
  for (let times = 0; times < 7; times += 1) byThread(0.45, 0.6)
  expect(inARow()).toBe(0)
  byThread(0.45, 0.6)
  expect(inARow()).toBe(64)
})

test('after a slow one they go by a thread for a time that grows with its square', () => {
  const { prompt, untilTrusted, inARow, pass } = byHand()
  for (const [tookMs, restMs] of [
    [3, 72],
    [100, 80_000],
  ] as const) {
    untilTrusted()
    expect(prompt.allowed()).toBe(true)
    prompt.took(tookMs)
    expect(inARow()).toBe(0)
    pass(restMs - 3)
    untilTrusted()
    expect(inARow()).toBe(0)
    pass(1)
    untilTrusted()
    expect(inARow()).toBe(64)
  }
  expect(prompt.slow).toBe(2)
})

test('fast ones change nothing', () => {
  const { prompt, untilTrusted, inARow } = byHand()
  untilTrusted()
  for (let round = 0; round < 10; round += 1) {
    expect(prompt.allowed()).toBe(true)
    prompt.took(0.5)
  }
  expect(inARow()).toBe(54)
  expect(prompt.slow).toBe(0)
})
