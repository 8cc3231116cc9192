import { formatAddress, parseAddress } from '@ipfs-kit/storage'
import type { Address } from '@ipfs-kit/storage'
import { describe, expect, test } from 'vitest'

const cid1 = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'
const cid0 = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'
const refused = expect.objectContaining({ code: 'STORAGE_INVALID_ADDRESS', kind: 'invalid' })

const plain: readonly [string, Address][] = [
  ['mem://scratch', { scheme: 'mem', authority: 'scratch', key: '' }],
  ['mem://scratch/a/b', { scheme: 'mem', authority: 'scratch', key: 'a/b' }],
  ['mem://scratch//a//b/', { scheme: 'mem', authority: 'scratch', key: '/a//b/' }],
  ['mem://scratch/a/../b', { scheme: 'mem', authority: 'scratch', key: 'a/../b' }],
  ['mem://scratch/a%20b%3F%23%25', { scheme: 'mem', authority: 'scratch', key: 'a b?#%' }],
  ['s3://my.bucket-1/photos/1.jpg', { scheme: 's3', authority: 'my.bucket-1', key: 'photos/1.jpg' }],
  ['hf://datasets/owner/name/file', { scheme: 'hf', authority: 'datasets', key: 'owner/name/file' }],
  ['file:///srv/data', { scheme: 'file', authority: '', key: 'srv/data' }],
  ['file:///', { scheme: 'file', authority: '', key: '' }],
  [`ipfs://${cid1}`, { scheme: 'ipfs', authority: cid1, key: '' }],
  [`ipfs://${cid0}/a/b.txt`, { scheme: 'ipfs', authority: cid0, key: 'a/b.txt' }],
]

describe('parse and format', () => {
  test.each(plain)('%s is read, and written the same', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
    expect(Object.isFrozen(parseAddress(text))).toBe(true)
    expect(formatAddress(address)).toBe(text)
  })

  test('what can be written in several ways is written in one', () => {
    expect(formatAddress(parseAddress('mem://scratch/'))).toBe('mem://scratch')
    expect(formatAddress(parseAddress('mem://scratch/%41é'))).toBe('mem://scratch/A%C3%A9')
    expect(formatAddress(parseAddress(`/ipfs/${cid1}/a b`))).toBe(`ipfs://${cid1}/a%20b`)
  })

  test('/ipfs/ paths are taken as they stand', () => {
    expect(parseAddress(`/ipfs/${cid1}`)).toEqual({ scheme: 'ipfs', authority: cid1, key: '' })
    expect(parseAddress(`/ipfs/${cid1}/`)).toEqual({ scheme: 'ipfs', authority: cid1, key: '' })
    expect(parseAddress(`/ipfs/${cid0}/a%20b ?#`)).toEqual({
      scheme: 'ipfs',
      authority: cid0,
      key: 'a%20b ?#',
    })
  })

  test('any key comes back as it was', () => {
    const alphabet = [
      'a',
      'Z',
      '/',
      '%',
      ' ',
      '?',
      '#',
      '\\',
      '.',
      '..',
      '\n',
      '\u007f',
      'é',
      '\uffff',
      '😀',
      '&',
      '+',
      ':',
      '@',
    ]
    // A small generator with a fixed seed: the same keys in every run.
    let state = 42
    const next = (bound: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((state / 2_147_483_648) * bound)
    }
    for (let round = 0; round < 2000; round++) {
      const key = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join('')
      const address = { scheme: 'mem', authority: 'scratch', key }
      const text = formatAddress(address)
      expect(parseAddress(text)).toEqual(address)
      expect(formatAddress(parseAddress(text))).toBe(text)
    }
  })
})

describe('bad input is refused with an example', () => {
  test.each([
    '',
    'a',
    '/a/b',
    'mem:/scratch',
    'mem:scratch',
    '://a',
    'MEM://scratch/a',
    '1mem://scratch',
    'mem://',
    'mem:///a',
    'mem://../a',
    'mem://a b/c',
    'mem://scratch:80/a',
    'mem://scrätch/a',
    'mem://scratch/a b',
    'mem://scratch/a?b',
    'mem://scratch/a#b',
    'mem://scratch/a\\b',
    'mem://scratch/a\nb',
    'mem://scratch/%',
    'mem://scratch/%zz',
    'mem://scratch/%ff',
    'mem://scratch/%00',
    'mem://scratch/\ud800',
    `mem://scratch/${'a'.repeat(1025)}`,
    `mem://${'a'.repeat(256)}/a`,
    'file://host/a',
    'file://',
    'file:///a/../b',
    'file:///a/%2e%2e/b',
    'ipfs://',
    'ipfs://nothing/a',
    `ipfs://${cid1}/../a`,
    `ipfs://${cid1}/a/./b`,
    '/ipfs/',
    '/ipfs/nothing/a',
    `/ipfs/${cid1}/a/../b`,
    `/ipfs/${cid1}/a\0b`,
    `/ipns/${cid1}`,
  ])('%j', (text) => {
    expect(() => parseAddress(text)).toThrow(refused)
    expect(() => parseAddress(text)).toThrow(/mem:\/\/scratch\/a\/b|file:\/\/\/srv\/data/)
  })

  test('also what is no text', () => {
    for (const value of [undefined, null, 5, {}]) {
      // @ts-expect-error not a text
      expect(() => parseAddress(value)).toThrow(refused)
    }
  })

  test('also parts that make no address', () => {
    expect(() => formatAddress({ scheme: 'Mem', authority: 'a', key: '' })).toThrow(refused)
    expect(() => formatAddress({ scheme: 'mem', authority: 'a/b', key: '' })).toThrow(refused)
    expect(() => formatAddress({ scheme: 'mem', authority: 'a', key: 'a\0b' })).toThrow(refused)
    expect(() => formatAddress({ scheme: 'file', authority: 'a', key: 'b' })).toThrow(refused)
    expect(() => formatAddress({ scheme: 'file', authority: '', key: '../b' })).toThrow(refused)
  })

  test('without repeating what may be a password', () => {
    const secret = 'hunter2'
    for (const text of [`s3://key:${secret}@bucket/a`, `s3://key:${secret}@`, `key:${secret}@bucket`]) {
      expect(() => parseAddress(text)).toThrow(refused)
      expect(() => parseAddress(text)).not.toThrow(secret)
    }
  })
})
