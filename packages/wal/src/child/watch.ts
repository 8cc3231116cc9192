/**
 * The thread of a child process that listens to the log, also while the handler blocks the loop: stdin ends when the process of
 * the log has ended, however that was, and then this one ends with all that it has started.
 */
import { Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'

const stdin = new Socket({ fd: 0, readable: true, writable: false })
stdin.setEncoding('utf8')
let rest = ''
stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop()!
  for (const line of lines) parentPort!.postMessage(JSON.parse(line))
})
// It is the leader of its group; on Windows there is none.
stdin.on('close', () => process.kill(process.platform === 'win32' ? process.pid : -process.pid, 'SIGKILL'))
