import { createGateway } from '@ipfs-kit/gateway'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from './serving.ts'

describe('hosts', () => {
  let site: Awaited<ReturnType<typeof serve>>
  let path: string
  beforeAll(async () => {
    site = await serve({ hosts: ['Gateway.example', '[fe80::1]'] })
    path = `/ipfs/${(await site.add({ 'a.txt': 'a' }, {}))['']}`
  })
  afterAll(() => site.close())

  it.each([
    'localhost',
    'LOCALHOST:4802',
    'localhost.',
    '127.0.0.1:4802',
    '[::1]:4802',
    'bafy.ipfs.localhost:4802',
    'gateway.example',
    'gateway.EXAMPLE:443',
    '[fe80::1]',
  ])('serves %s', async (host) => {
    expect((await site.ask(path, { headers: { host } })).status).toBe(200)
  })

  it.each([
    'evil.example',
    'localhost.evil.example',
    'evillocalhost',
    '127.0.0.1.evil.example',
    'sub.gateway.example',
    'localhost@evil.example',
    'localhost:80:80',
    'evil.example/localhost',
    '127.0.0.2',
    '0.0.0.0',
    '[::2]',
    ' ',
  ])('refuses %j', async (host) => {
    const answer = await site.ask(path, { headers: { host } })
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('GATEWAY_HOST')
  })

  it('refuses a request without host', async () => {
    expect(await site.raw(`GET ${path} HTTP/1.0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('refuses a foreign host before it says anything else', async () => {
    for (const options of [{ method: 'POST' }, {}]) {
      const answer = await site.ask('/nowhere', { ...options, headers: { host: 'evil.example' } })
      expect(answer.status).toBe(403)
    }
  })

  it('lets no page of another origin read content', async () => {
    const answer = await site.ask(path, { headers: { origin: 'https://evil.example' } })
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    expect(answer.headers['cross-origin-resource-policy']).toBe('same-site')
  })
})

describe('options', () => {
  const ipfs = () => {
    throw new Error('not asked')
  }

  it.each(['', 'gateway.example:80', 'https://gateway.example', 'a b', '*', 'gateway.example.'])(
    'refuses %j as a host',
    (host) => {
      expect(() => createGateway({ ipfs, hosts: [host] })).toThrow(TypeError)
    },
  )

  it('refuses options that it does not know and names those that it knows', () => {
    expect(() => createGateway({ ipfs, host: [] } as never)).toThrow(/"host".*ipfs, hosts, limits/)
    expect(() => createGateway({ ipfs, limits: { maxEntries: 1 } as never })).toThrow(
      /"maxEntries".*maxListingEntries/,
    )
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, '5'])('refuses %j as a limit', (value) => {
    for (const name of ['maxListingEntries', 'maxUrlBytes', 'stallTimeoutMs']) {
      expect(() => createGateway({ ipfs, limits: { [name]: value } as never })).toThrow(RangeError)
    }
  })
})
