/**
 * The check against DNS rebinding: a page of a foreign site can make its own name point to 127.0.0.1 and then reads local
 * content as its own origin. Its requests carry its name in `Host`, and that gives it away.
 */

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/** Makes the check. `hosts` are allowed besides the loopback names and `*.localhost`. @throws TypeError for a name that is none */
export function createHostCheck(hosts: readonly string[]): (host: string | undefined) => boolean {
  const allowed = new Set(loopbackNames)
  for (const host of hosts) {
    const name = hostName(host)
    if (name === undefined || name !== host.toLowerCase()) {
      throw new TypeError(
        `hosts takes host names without port, such as gateway.example or [::1], not ${JSON.stringify(host)}`,
      )
    }
    allowed.add(name)
  }
  return (host) => {
    const name = hostName(host)
    return name !== undefined && (allowed.has(name) || name.endsWith('.localhost'))
  }
}

/** The name in a Host header, without port and final dot, in lower case. */
function hostName(host: string | undefined): string | undefined {
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i.exec(host ?? '')?.[1]
  return name?.toLowerCase().replace(/\.$/, '')
}
