import {
  type Address,
  type AddressScheme,
  configuredScheme,
  createAddresses,
  ipfsScheme,
  memoryScheme,
  mfsScheme,
  namedPlace,
} from '@ipfs-kit/storage'
import { describe, expect, test } from 'vitest'

const cid1 = 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi'
const cid0 = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'
const refused = expect.objectContaining({ code: 'STORAGE_INVALID_ADDRESS', kind: 'invalid' })

/** Schemes as backends bring them. */
const s3: AddressScheme = {
  name: 's3',
  example: 's3://profile/bucket/key',
  form: 'uri',
  places: [namedPlace('profile'), namedPlace('bucket')],
  keys: 'any',
}
const disk: AddressScheme = { name: 'disk', example: 'disk:///srv', form: 'uri', places: [], keys: 'path' }
const addresses = createAddresses([
  ...[memoryScheme, ipfsScheme, mfsScheme, s3, disk],
  configuredScheme('photos'),
])
const parse = (text: string): Address => addresses.parse(text)
const format = (address: Address): string => addresses.format(address)

const plain: readonly [string, Address][] = [
  ['mem://scratch', { scheme: 'mem', places: ['scratch'], key: '' }],
  ['mem://scratch/a/b', { scheme: 'mem', places: ['scratch'], key: 'a/b' }],
  ['mem://scratch//a//b/', { scheme: 'mem', places: ['scratch'], key: '/a//b/' }],
  ['mem://scratch/a/../b', { scheme: 'mem', places: ['scratch'], key: 'a/../b' }],
  ['mem://scratch/a%20b%3F%23%25', { scheme: 'mem', places: ['scratch'], key: 'a b?#%' }],
  ['s3://home/my.bucket-1', { scheme: 's3', places: ['home', 'my.bucket-1'], key: '' }],
  ['s3://home/bucket/photos/1.jpg', { scheme: 's3', places: ['home', 'bucket'], key: 'photos/1.jpg' }],
  ['disk:///srv/data', { scheme: 'disk', places: [], key: 'srv/data' }],
  ['disk:///', { scheme: 'disk', places: [], key: '' }],
  ['mfs:/', { scheme: 'mfs', places: [], key: '' }],
  ['mfs:/docs/a%20b.txt', { scheme: 'mfs', places: [], key: 'docs/a b.txt' }],
  ['mfs:////a', { scheme: 'mfs', places: [], key: '/a' }],
  ['photos:', { scheme: 'photos', places: [], key: '' }],
  ['photos:2024/a b%20?.jpg', { scheme: 'photos', places: [], key: '2024/a b%20?.jpg' }],
  ['photos://a/../b', { scheme: 'photos', places: [], key: '//a/../b' }],
  [`ipfs://${cid1}`, { scheme: 'ipfs', places: [cid1], key: '' }],
  [`ipfs://${cid0}/a/b.txt`, { scheme: 'ipfs', places: [cid0], key: 'a/b.txt' }],
]

describe('parse and format', () => {
  test.each(plain)('%s is read, and written the same', (text, address) => {
    expect(parse(text)).toEqual(address)
    expect(Object.isFrozen(parse(text))).toBe(true)
    expect(format(address)).toBe(text)
  })

  test('what can be written in several ways is written in one', () => {
    expect(format(parse('mem://scratch/'))).toBe('mem://scratch')
    expect(format(parse('mem://scratch/%41é'))).toBe('mem://scratch/A%C3%A9')
    expect(format(parse('disk:/srv/data'))).toBe('disk:///srv/data')
    expect(format(parse('mfs:///docs'))).toBe('mfs:/docs')
    expect(format(parse(`/ipfs/${cid1}/a b`))).toBe(`ipfs://${cid1}/a%20b`)
  })

  test('/ipfs/ paths are taken as they stand', () => {
    expect(parse(`/ipfs/${cid1}`)).toEqual({ scheme: 'ipfs', places: [cid1], key: '' })
    expect(parse(`/ipfs/${cid1}/`)).toEqual({ scheme: 'ipfs', places: [cid1], key: '' })
    expect(parse(`/ipfs/${cid0}/a%20b ?#`)).toEqual({ scheme: 'ipfs', places: [cid0], key: 'a%20b ?#' })
  })

  test('any key comes back as it was, in every form', () => {
    const alphabet = 'a Z / % ? # \\ . .. \n \u007f é \uffff 😀 & + : @'.split(' ').concat(' ')
    // A small generator with a fixed seed: the same keys in every run.
    let state = 42
    const next = (bound: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((state / 2_147_483_648) * bound)
    }
    const each: readonly [string, readonly string[]][] = [
      ['mem', ['scratch']],
      ['s3', ['home', 'bucket']],
      ['photos', []],
      ['mfs', []],
      ['disk', []],
    ]
    for (let round = 0; round < 2000; round++) {
      const key = Array.from({ length: next(12) }, () => alphabet[next(alphabet.length)]).join('')
      for (const [scheme, places] of each) {
        const isPath = scheme === 'mfs' || scheme === 'disk'
        if (isPath && key.split('/').some((segment) => /^\.\.?$/.test(segment))) continue
        const address = { scheme, places, key }
        const text = format(address)
        expect(parse(text)).toEqual(address)
        expect(format(parse(text))).toBe(text)
      }
    }
  })
})

describe('bad input is refused', () => {
  test.each([
    '',
    'a',
    '/a/b',
    'mem:/scratch',
    'mem:scratch',
    '://a',
    'MEM://scratch/a',
    '1mem://scratch',
    'other://scratch',
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
    's3://home',
    's3://home/',
    's3:///bucket/a',
    'disk://host/a',
    'disk://',
    'disk:',
    'disk:a/b',
    'disk:///a/../b',
    'disk:///a/%2e%2e/b',
    'mfs:docs',
    'mfs://docs',
    'mfs:/a/../b',
    'photos:a\0b',
    `photos:${'a'.repeat(1025)}`,
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
    expect(() => parse(text)).toThrow(refused)
  })

  test('with an example of its scheme, or with the schemes that there are', () => {
    expect(() => parse('mfs:docs')).toThrow('an example is mfs:/docs/a.txt')
    expect(() => parse('s3://home')).toThrow('has no bucket')
    expect(() => parse('b2://bucket/a')).toThrow('not one of disk, ipfs, mem, mfs, photos, s3')
    expect(addresses.schemes).toEqual(['disk', 'ipfs', 'mem', 'mfs', 'photos', 's3'])
  })

  test('also what is no text', () => {
    for (const value of [undefined, null, 5, {}]) {
      // @ts-expect-error not a text
      expect(() => parse(value)).toThrow(refused)
    }
  })

  test('also parts that make no address', () => {
    expect(() => format({ scheme: 'Mem', places: ['a'], key: '' })).toThrow(refused)
    expect(() => format({ scheme: 'mem', places: ['a/b'], key: '' })).toThrow(refused)
    expect(() => format({ scheme: 'mem', places: [], key: 'a' })).toThrow(refused)
    expect(() => format({ scheme: 'mem', places: ['a'], key: 'a\0b' })).toThrow(refused)
    expect(() => format({ scheme: 'disk', places: ['a'], key: 'b' })).toThrow(refused)
    expect(() => format({ scheme: 'disk', places: [], key: '../b' })).toThrow(refused)
  })

  test('without repeating what may be a password', () => {
    const secret = 'hunter2'
    const texts = [`s3://key:${secret}@home/bucket/a`, `s3://key:${secret}@`, `key:${secret}@bucket`]
    for (const text of [...texts, `${secret}:key@bucket`, `${secret}@home`]) {
      expect(() => parse(text)).toThrow(refused)
      expect(() => parse(text)).not.toThrow(secret)
    }
  })
})

test('schemes have names that differ, and places only where there is room for them', () => {
  expect(() => createAddresses([memoryScheme, configuredScheme('mem')])).toThrow(TypeError)
  for (const name of ['', 'Photos', 'a b', '1st', 'a:b']) {
    expect(() => createAddresses([configuredScheme(name)])).toThrow(TypeError)
  }
  expect(() => createAddresses([{ ...s3, form: 'path' }])).toThrow(TypeError)
})
