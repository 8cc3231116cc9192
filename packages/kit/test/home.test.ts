import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { homeAt, homeFormat, homePath, openHome } from '@ipfs-kit/kit'
import { describe, expect, test } from 'vitest'
import { startChild } from './child.ts'
import { temporaryHome } from './temporary-home.ts'

describe('the path of the home', () => {
  const userPath = '/users/u'

  test('is IPFS_KIT_HOME, made absolute', () => {
    expect(homePath({ env: { IPFS_KIT_HOME: '/x' }, platform: 'linux', userPath })).toBe('/x')
    expect(homePath({ env: { IPFS_KIT_HOME: 'x' }, platform: 'darwin', userPath })).toBe(resolve('x'))
  })

  test('is the data folder of the platform without it', () => {
    const at = (platform: NodeJS.Platform, env = {}): string => homePath({ env, platform, userPath })
    expect(at('linux')).toBe('/users/u/.local/share/ipfs-kit')
    expect(at('linux', { XDG_DATA_HOME: '/data' })).toBe('/data/ipfs-kit')
    expect(at('darwin', { XDG_DATA_HOME: '/data' })).toBe('/users/u/Library/Application Support/ipfs-kit')
    expect(at('win32', { LOCALAPPDATA: '/local' })).toBe('/local/ipfs-kit')
  })

  test('ignores empty variables and a relative data folder', () => {
    const env = { IPFS_KIT_HOME: '', XDG_DATA_HOME: 'data' }
    expect(homePath({ env, platform: 'linux', userPath })).toBe('/users/u/.local/share/ipfs-kit')
    expect(homePath({ env: { XDG_DATA_HOME: '' }, platform: 'linux', userPath })).toBe(
      '/users/u/.local/share/ipfs-kit',
    )
  })
})

describe('opening a home', () => {
  test('makes the folder for its owner only, with the format in it', async () => {
    const path = await temporaryHome()
    const home = await openHome({ path })
    expect(home).toEqual(homeAt(path))
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect(await readFile(join(path, 'format'), 'utf8')).toBe(`${homeFormat}\n`)
  })

  test('opens it again, and many times at once', async () => {
    const path = await temporaryHome()
    await Promise.all(Array.from({ length: 8 }, () => openHome({ path })))
    await openHome({ path })
  })

  test('refuses a newer format with both numbers', async () => {
    const path = await temporaryHome()
    await mkdir(path)
    await writeFile(join(path, 'format'), '7\n')
    await expect(openHome({ path })).rejects.toMatchObject({
      code: 'KIT_HOME_TOO_NEW',
      message: expect.stringMatching(/format 7;.* up to 2$/),
    })
    expect(await readFile(join(path, 'format'), 'utf8')).toBe('7\n')
  })

  test.each(['', 'one', '0', '-1', '1.5', '1\n2', '\0', '1'.repeat(50)])(
    'refuses the format %j',
    async (text) => {
      const path = await temporaryHome()
      await mkdir(path)
      await writeFile(join(path, 'format'), text)
      await expect(openHome({ path })).rejects.toMatchObject({ code: 'KIT_HOME_INVALID' })
    },
  )

  test('refuses a path that is a file, or below one', async () => {
    const path = await temporaryHome()
    await writeFile(path, '')
    for (const bad of [path, join(path, 'below')]) {
      await expect(openHome({ path: bad })).rejects.toMatchObject({
        code: 'KIT_HOME_UNWRITABLE',
        message: expect.stringContaining(bad),
      })
    }
  })

  test('is refused where other things are: it is made in an empty folder, or one with settings and secrets', async () => {
    const path = await temporaryHome()
    await mkdir(path)
    for (const name of ['config.toml', 'credentials.age', 'credentials.key'])
      await writeFile(join(path, name), '')
    expect((await openHome({ path })).path).toBe(path)
    const other = await temporaryHome()
    await mkdir(other)
    await writeFile(join(other, 'letter.txt'), '')
    await expect(openHome({ path: other })).rejects.toMatchObject({ code: 'KIT_HOME_INVALID' })
    expect(await readdir(other)).toEqual(['letter.txt'])
  })

  test('is refused, and not waited for, where the system makes no folders', async () => {
    await expect(openHome({ path: '/proc/1/ipfs-kit/home' })).rejects.toMatchObject({
      code: 'KIT_HOME_UNWRITABLE',
    })
  })

  test('refuses a folder that the user may not write, made or not', async () => {
    const path = await temporaryHome()
    await mkdir(path)
    await chmod(dirname(path), 0o755)
    await chmod(path, 0o555)
    for (const bad of [path, join(path, 'below')]) {
      const answer = await startChild('open-without-permission', [bad]).answer()
      expect(answer).toMatchObject({ opened: false, code: 'KIT_HOME_UNWRITABLE' })
      expect(answer.message).toContain(bad)
    }
  })
})
