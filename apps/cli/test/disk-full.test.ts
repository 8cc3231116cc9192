import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createClient } from '@ipfs-kit/client'
import type { KitTable } from '@ipfs-kit/kit'
import { describe, expect, test } from 'vitest'
import { jsonLines, start } from './command.ts'
import { all, bytesOf } from './server.ts'
import { countsOf, keptBy } from './store.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** A disk of 12 MiB, in a mount namespace of its own: it goes with the process that `exec` makes of the shell. */
const mount = 'mount -t tmpfs -o size=12m tmpfs "$0"'
const unshare = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-rm']
const [program = '', ...flags] = unshare
const probe = spawnSync(program, [...flags, 'sh', '-c', mount, temporaryFolder()])

describe.concurrent('a disk that is full in the middle of an add', () => {
  test('fails the add through the server with 507; nothing of it is kept, and the store is readable', async ({
    skip,
  }) => {
    if (probe.status !== 0) skip('this user may mount nothing: it takes the super-user or user namespaces')
    const disk = temporaryFolder()
    const serve = ['serve', '--json', '--home', disk, '--port', '0', '--gateway-port', '0']
    const server = start(serve, { launcher: [...unshare, 'sh', '-c', `${mount} && exec "$@"`, disk] })
    const { url, tokenFile } = JSON.parse(await server.line()) as { url: string; tokenFile: string }
    // The file lies on a disk that only that process sees.
    const token = readFileSync(`/proc/${server.pid}/root${tokenFile}`, 'utf8').trim()
    const client = createClient<KitTable>({ url, token })
    const kept = Buffer.alloc(2_000_000, 'kept')
    const [item] = await all(await client.call('files.add', {}, { body: [{ path: 'kept', content: kept }] }))
    const cid = item !== undefined && 'cid' in item ? String(item.cid) : ''
    const before = await keptBy(client)

    const adding = client.call('files.add', {}, { body: [{ path: 'large', content: pieces(30) }] })
    await expect(adding.then(all)).rejects.toMatchObject({
      code: 'IPFS_STORE_FULL',
      kind: 'full',
      status: 507,
    })
    expect(await keptBy(client)).toEqual(before)
    const read = await client.call('files.cat', { cid })
    expect((await bytesOf(read.body)).equals(kept)).toBe(true)

    // There is room again for what fits.
    const fits = (
      await all(await client.call('files.add', {}, { body: [{ path: 'fits', content: pieces(4) }] }))
    ).at(-1)
    expect(fits).toMatchObject({ failed: 0, items: 1 })
    server.kill('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0, stderr: '' })
  })

  test('fails the command with exit code 7; nothing of it is kept, and the store is readable', async ({
    skip,
  }) => {
    if (probe.status !== 0) skip('this user may mount nothing: it takes the super-user or user namespaces')
    const disk = temporaryFolder()
    // Three commands in turn on the same disk; what they print is told apart by their exit codes.
    const script = [
      mount,
      'add() { "$@" --home "$0" add - --json; echo "{\\"exit\\":$?}"; }',
      'printf kept | add "$@"',
      'head -c 30000000 /dev/urandom | add "$@"',
      '"$@" --home "$0" gc > /dev/null',
      '"$@" --home "$0" repo stat --json',
    ].join('\n')
    const commands = start([], { launcher: [...unshare, 'sh', '-c', script, disk] })
    const { stdout, stderr } = await commands.ended
    const [, added, first, second, stat] = jsonLines(stdout)
    expect([added, first, second]).toEqual([
      expect.objectContaining({ items: 1, bytes: 4 }),
      { exit: 0 },
      { exit: 7 },
    ])
    expect(countsOf(stat ?? {})).toEqual({ blocks: 1, bytes: 4, pins: 1 })
    expect(stderr).toContain('"code":"IPFS_STORE_FULL"')
  })

  test('that has not one page left still lets commands read, list and collect', async ({ skip }) => {
    if (probe.status !== 0) skip('this user may mount nothing: it takes the super-user or user namespaces')
    const script = [
      mount,
      'home="$0/home"',
      'cid=$(printf kept | "$@" --home "$home" add - --json | sed -n \'$s/^{"cid":"\\([^"]*\\)".*/\\1/p\')',
      'printf loose | "$@" --home "$home" add - --no-pin --json > "$0/loose"',
      'head -c 20000000 /dev/zero > "$0/fill" 2> /dev/null',
      '"$@" --home "$home" cat "$cid"; echo " $?"',
      '"$@" --home "$home" pin ls > /dev/null; echo "$?"',
      '"$@" --home "$home" gc --json; echo "$?"',
    ].join('\n')
    const commands = start([], { launcher: [...unshare, 'sh', '-c', script, temporaryFolder()] })
    const { stdout } = await commands.ended
    // What nobody has pinned is dropped by then: it is there as long as there is room.
    expect(stdout).toMatch(/^kept 0\n0\n\{.*"keptBlocks":1\}\n0\n$/)
  })
})

/** Mebibytes that are all different. */
async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(1_048_576, `piece ${index} of ${count};`)
}
