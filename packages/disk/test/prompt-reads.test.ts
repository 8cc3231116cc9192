import { expect, test } from 'vitest'
import { createPromptReads, promptBytes } from '../src/prompt-reads.ts'

/** Reads that are sent away until one may be done at once again. */
function sentAwayInARow(prompt: ReturnType<typeof createPromptReads>): number {
  let sentAway = 0
  while (!prompt.allowed(4096)) sentAway += 1
  return sentAway
}

test('reads are answered at once while the disk is fast', () => {
  const prompt = createPromptReads()
  for (let round = 0; round < 10_000; round += 1) {
    expect(prompt.allowed(4096)).toBe(true)
    prompt.took(0.9)
  }
  expect([prompt.slow, prompt.sentAway]).toEqual([0, 0])
})

test('large reads are never answered at once', () => {
  const prompt = createPromptReads()
  expect(prompt.allowed(promptBytes)).toBe(true)
  expect(prompt.allowed(promptBytes + 1)).toBe(false)
  expect(prompt.sentAway).toBe(1)
})

test('after each slow read twice as many are sent away, up to a bound, and one is tried then', () => {
  const prompt = createPromptReads()
  const inARow: number[] = []
  for (let round = 0; round < 12; round += 1) {
    expect(prompt.allowed(4096)).toBe(true)
    prompt.took(1.1)
    inARow.push(sentAwayInARow(prompt))
  }
  expect(inARow).toEqual([16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096, 4096])
  expect(prompt.slow).toBe(12)
})

test('fast reads in a row make the number small again', () => {
  const prompt = createPromptReads()
  for (let round = 0; round < 4; round += 1) {
    prompt.took(5)
    sentAwayInARow(prompt)
  }
  for (let round = 0; round < 3 * 64; round += 1) prompt.took(0.1)
  prompt.took(5)
  expect(sentAwayInARow(prompt)).toBe(32)
})
