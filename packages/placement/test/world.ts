/** Backends, content and requirements for tests. */
import type { BackendFacts, Content, Copy, Requirement } from '@ipfs-kit/placement'

export const cid = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'

export function backend(name: string, facts: Partial<BackendFacts> = {}): BackendFacts {
  return {
    name,
    failureDomain: name,
    tags: [],
    durability: 'durable',
    offSite: false,
    costPerGiBMonth: 0,
    costPerWrite: 0,
    costPerRead: 0,
    writable: true,
    state: 'up',
    ...facts,
  }
}

export function content(facts: Partial<Content> = {}): Content {
  return { cid, bytes: 2 ** 30, addedMs: 0, type: '', name: '', heat: 0, ...facts }
}

export function ok(...backends: string[]): Copy[] {
  return backends.map((name) => ({ backend: name, state: 'ok', verifiedMs: 1 }))
}

export function keep(
  minimum: number,
  target: number,
  maximum: number,
  rest: Partial<Requirement> = {},
): Requirement {
  return { minimum, target, maximum, ...rest }
}
