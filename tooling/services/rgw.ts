/**
 * Ceph RGW, a real S3 server, on loopback: one monitor, and one OSD that keeps its objects in memory. For tests and
 * benches only: nothing is authenticated but the S3 requests, and everything is lost when it stops.
 */
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failAfter, race, sleep, suspend } from '@ipfs-kit/concurrency'
import { runProcess } from '@ipfs-kit/concurrency/node'
import { startBound, type BoundProcess } from './bound-process.ts'
import { needCommands } from './debian.ts'
import { freePorts, loopback } from './loopback.ts'

/** A running RGW. */
export interface Rgw extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. Buckets are in the path. */
  readonly endpoint: string
  readonly region: string
  /** Of the one user that there is. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The key that SSE-KMS finds under this name. */
  readonly kmsKeyId: string
  /** The processes: monitor, OSD and gateway. */
  readonly pids: readonly number[]
  /** Kills the processes and removes their folder. A second call waits for the first. */
  stop(): Promise<void>
}

const user = { accessKeyId: 'ipfs-kit-test', secretAccessKey: 'a-fixed-secret-of-the-test-user' }
const kmsKeyId = 'test-key'
const deviceBytes = 8 * 1024 ** 3
const startMs = 120_000
const pollMs = 100

const commands = {
  radosgw: 'radosgw',
  'radosgw-admin': 'radosgw',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  ceph: 'ceph-common',
  monmaptool: 'ceph-common',
  setpriv: 'util-linux',
}

/**
 * Starts an RGW with a folder and ports of its own; it is up in a second or two. It ends when the process that started
 * it does, also if that is killed, and then its folder goes too.
 *
 * @throws Error that names the Debian packages which are missing, or the daemon that failed with the end of its output
 */
export async function startRgw(): Promise<Rgw> {
  needCommands('Ceph RGW', commands)
  const folder = await mkdtemp(join(tmpdir(), 'ipfs-kit-rgw-'))
  const removal = removeAtTheEnd(folder)
  const daemons: BoundProcess[] = []
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= end(daemons, removal))
  try {
    const endpoint = await failAfter(startMs, () => start(folder, daemons), { name: 'start of RGW' })
    const pids = daemons.map(({ pid }) => pid)
    return { endpoint, region: 'us-east-1', ...user, kmsKeyId, pids, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts the daemons, each into `daemons`, and makes the user. The answer is the endpoint. */
async function start(folder: string, daemons: BoundProcess[]): Promise<string> {
  const [monitorPort = 0, gatewayPort = 0] = await freePorts(2)
  const file = (name: string): string => join(folder, name)
  // Without it, each small answer waits 40 ms for an acknowledgement.
  const frontend = `beast endpoint=${loopback}:${gatewayPort} tcp_nodelay=1`
  const monitor = `v1:${loopback}:${monitorPort}`
  const fsid = randomUUID()
  const osd = randomUUID()
  await writeFile(file('ceph.conf'), configuration(folder, fsid, monitor))
  await mkdir(file('osd'))
  const withConfiguration = (args: readonly string[]): string[] => ['-c', file('ceph.conf'), ...args]
  const failures = (): (() => Promise<never>)[] => daemons.map((one) => () => one.failed())
  const tool = async (command: string, ...args: string[]): Promise<void> => {
    await race([() => runProcess(command, withConfiguration(args)), ...failures()])
  }
  const daemon = async (command: string, ...args: string[]): Promise<void> => {
    daemons.push(await startBound(command, withConfiguration(['-f', ...args]), file(`${command}.out`)))
  }

  // A client may ask before it knows the cluster, and is refused then ("wrong fsid"). What is asked here can be asked again.
  const ceph = async (...args: string[]): Promise<void> => {
    const ask = () => runProcess('ceph', withConfiguration(args), { check: false })
    while ((await race([ask, ...failures()])).exitCode !== 0) await sleep(pollMs)
  }

  await runProcess('monmaptool', ['--create', '--addv', 'a', `[${monitor}]`, '--fsid', fsid, file('monmap')])
  await tool('ceph-mon', '--mkfs', '-i', 'a', '--monmap', file('monmap'))
  await daemon('ceph-mon', '-i', 'a')
  await ceph('osd', 'new', osd)
  // By hand, because an OSD that does it as it starts may be too early as well, and ends then.
  await ceph('osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=localhost')
  await tool('ceph-osd', '--mkfs', '-i', '0', '--osd-uuid', osd)
  await daemon('ceph-osd', '-i', '0')
  await daemon('radosgw', '-n', 'client.rgw.a', `--rgw-frontends=${frontend}`)
  const keys = ['--access-key', user.accessKeyId, '--secret-key', user.secretAccessKey]
  await tool('radosgw-admin', 'user', 'create', '--uid', 'test', '--display-name', 'test', ...keys)
  const endpoint = `http://${loopback}:${gatewayPort}`
  while (!(await answers(endpoint))) await race([() => sleep(pollMs), ...failures()])
  return endpoint
}

function configuration(folder: string, fsid: string, monitor: string): string {
  return `[global]
fsid = ${fsid}
mon host = ${monitor}
public addr = ${loopback}
cluster addr = ${loopback}
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = ${folder}
crash dir = ${folder}
admin socket =
log file = ${folder}/$name.log
mon data = ${folder}/mon
mon allow pool size one = true
paxos propose interval = 0.01
paxos min wait = 0.01
osd data = ${folder}/osd
osd objectstore = memstore
memstore device bytes = ${deviceBytes}
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw data = ${folder}/rgw
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ${kmsKeyId}=${randomBytes(32).toString('base64')}
`
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(endpoint)).ok
  } catch {
    return false
  }
}

/** A process that removes a folder when this one lets go of it or is gone. It waits for the end of its input. */
function removeAtTheEnd(folder: string): () => Promise<void> {
  const remover = spawn('/bin/sh', ['-c', 'cat; rm -rf -- "$0"', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  return () =>
    suspend<void>((resume) => {
      remover.once('error', (error) => resume.reject(error))
      remover.once('exit', () => resume.resolve())
      remover.stdin.end()
      return () => 'settles-later'
    })
}

async function end(daemons: readonly BoundProcess[], removal: () => Promise<void>): Promise<void> {
  for (const daemon of daemons.toReversed()) await daemon.kill()
  await removal()
}
