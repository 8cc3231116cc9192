import { expect, test } from 'vitest'
import { Room } from '../src/room.ts'

function roomOf(maxBytes: number, reserveBytes: number): Room {
  return new Room({ maxBytes, maxEntries: 100, entries: () => 0, reserveBytes, onShortage: () => undefined })
}

test('a store that was opened above its quota may go above it only until it has come below', () => {
  const room = roomOf(1000, 100)
  room.found(5000)
  // Deletions go on, within the reserve.
  expect(room.takeReserve(100)).toBe(true)
  expect(room.takeReserve(1)).toBe(false)
  room.give(4200)
  expect(room.used).toBe(900)
  expect(room.takeReserve(101)).toBe(false)
  expect(room.takeReserve(100)).toBe(true)
  expect(room.takeReserve(1)).toBe(false)
  expect(room.used).toBe(1000)
})

test('the part of the reserve that is to be left is left', () => {
  const room = roomOf(1000, 100)
  expect(room.take(901)).toBe(false)
  expect(room.take(900)).toBe(true)
  expect(room.takeReserve(51, 0.5)).toBe(false)
  expect(room.takeReserve(50, 0.5)).toBe(true)
  expect(room.takeReserve(50)).toBe(true)
})
