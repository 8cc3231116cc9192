import { expect, test } from 'vitest'
import { createPromptCalls, type PromptCalls } from '../src/prompt-calls.ts'

const maxBytes = 524_288

/** Calls that are sent away until one may be made at once again. */
function sentAwayInARow(prompt: PromptCalls): number {
  let sentAway = 0
  while (!prompt.allowed(4096)) sentAway += 1
  return sentAway
}

test('calls are made at once while the disk is fast', () => {
  const prompt = createPromptCalls({ maxBytes, callsPerTurn: 1_000_000 })
  for (let round = 0; round < 10_000; round += 1) {
    expect(prompt.allowed(100)).toBe(true)
    prompt.took(0.9)
  }
  expect([prompt.slow, prompt.sentAway]).toEqual([0, 0])
})

test('large ones are never made at once', () => {
  const prompt = createPromptCalls({ maxBytes, callsPerTurn: 1_000_000 })
  expect(prompt.allowed(maxBytes)).toBe(true)
  expect(prompt.allowed(maxBytes + 1)).toBe(false)
  expect(prompt.sentAway).toBe(1)
})

test('after each slow call twice as many are sent away, up to a bound, and one is tried then', () => {
  const prompt = createPromptCalls({ maxBytes, callsPerTurn: 1_000_000 })
  const inARow: number[] = []
  for (let round = 0; round < 12; round += 1) {
    expect(prompt.allowed(4096)).toBe(true)
    prompt.took(1.1)
    inARow.push(sentAwayInARow(prompt))
  }
  expect(inARow).toEqual([16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096, 4096])
  expect(prompt.slow).toBe(12)
})

test('fast calls in a row make the number small again', () => {
  const prompt = createPromptCalls({ maxBytes, callsPerTurn: 1_000_000 })
  for (let round = 0; round < 4; round += 1) {
    prompt.took(5)
    sentAwayInARow(prompt)
  }
  for (let round = 0; round < 3 * 64; round += 1) prompt.took(0.1)
  prompt.took(5)
  expect(sentAwayInARow(prompt)).toBe(32)
})

test('one of so many is sent away, so that others get a turn, and that counts anew from each', () => {
  const prompt = createPromptCalls({ maxBytes, callsPerTurn: 3 })
  const allowed = (calls: number): boolean[] => Array.from({ length: calls }, () => prompt.allowed(1))
  expect(allowed(8)).toEqual([true, true, true, false, true, true, true, false])
  expect(allowed(1)).toEqual([true])
  expect(prompt.allowed(maxBytes + 1)).toBe(false)
  expect(allowed(4)).toEqual([true, true, true, false])
  expect([prompt.slow, prompt.sentAway]).toEqual([0, 4])
  // Bytes as well as calls.
  const large = createPromptCalls({ maxBytes, callsPerTurn: 1000 })
  const answers = Array.from({ length: 34 }, () => large.allowed(maxBytes))
  expect(answers.flatMap((allowed, at) => (allowed ? [] : [at]))).toEqual([16, 33])
})
