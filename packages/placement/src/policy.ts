/** What a policy says: plain data, as a file of TOML or JSON has it. */

/** How copies are to be spread. What is counted are failure domains: copies that fail together count as one. */
export type Durability =
  /** `minimum` and `target` count copies, which may all be in one failure domain. */
  | 'single'
  /**
   * A copy in each of `target` failure domains; it is met as long as a majority of these, and not fewer than `minimum`, have
   * one.
   */
  | 'quorum'
  /** A copy in every failure domain of the backends that are named. */
  | 'all'
  /** A copy on a backend of each tag in `tiers`; `minimum` and `target` count failure domains. */
  | 'tiered'

/** What is to be kept of content. */
export interface Requirement {
  /** Copies below which content is `under`, 1 or more. */
  readonly minimum: number
  /** Copies that are made, `minimum` or more. */
  readonly target: number
  /** Copies above which content is `over`, `target` or more. */
  readonly maximum: number
  /** Names of backends that copies may be on. Default: any, or those of `tags`. */
  readonly backends?: readonly string[]
  /** Tags: copies may be on backends that have one of them, besides those of `backends`. Default: none. */
  readonly tags?: readonly string[]
  /** Default `quorum`. */
  readonly durability?: Durability
  /** The tags of which each has to have a copy. For `tiered`, and only there. */
  readonly tiers?: readonly string[]
  /** Whether one copy has to be off-site. Default false. */
  readonly offSite?: boolean
  /** What a GiB of the content may cost a month, all its copies together. Default: anything. */
  readonly maxCostPerGiBMonth?: number
}

/** Which content a rule is for: all that is said has to hold. */
export interface Conditions {
  /** Bytes, this many or more. */
  readonly minBytes?: number
  /** Bytes, this many or fewer. */
  readonly maxBytes?: number
  /** Days since it was added, this many or more. */
  readonly minAgeDays?: number
  /** Days since it was added, fewer than this. */
  readonly maxAgeDays?: number
  /** Reads a day, this many or more. */
  readonly minHeat?: number
  /** Reads a day, fewer than this. */
  readonly maxHeat?: number
  /** Its type is one of these; `*` stands for any characters: `image/*`. */
  readonly types?: readonly string[]
  /** Its name is one of these; `*` stands for any characters. */
  readonly names?: readonly string[]
}

/** A rule of a policy. */
export interface Rule {
  /** How evidence calls it, each another name. */
  readonly name: string
  /** At least one condition. */
  readonly when: Conditions
  readonly keep: Requirement
}

/** A policy: of its rules the first that fits, else `otherwise`. */
export interface Policy {
  /** Default: none. At most 100. */
  readonly rules?: readonly Rule[]
  readonly otherwise: Requirement
}

/** The name of `otherwise` in evidence. */
export const otherwiseName = 'otherwise'

/** What a policy is applied to. */
export interface Content {
  readonly cid: string
  readonly bytes: number
  /** When it was added, in milliseconds since 1970. */
  readonly addedMs: number
  /** Its media type, or another word for what it is; empty if that is not known. */
  readonly type: string
  /** What people call it; empty if that is not known. */
  readonly name: string
  /** Reads a day. */
  readonly heat: number
}

/** What is known of a copy. */
export interface Copy {
  /** Name of its backend. */
  readonly backend: string
  /** `lost`: it was not there. `damaged`: other bytes were there. */
  readonly state: 'ok' | 'lost' | 'damaged'
  /** When it was last read and hashed here, in milliseconds since 1970; 0 if never. */
  readonly verifiedMs: number
}

/** What is known of a backend. */
export interface BackendFacts {
  readonly name: string
  /** What fails together. */
  readonly failureDomain: string
  readonly tags: readonly string[]
  /** A copy in memory is gone with its process, and counts as none. */
  readonly durability: 'memory' | 'durable'
  readonly offSite: boolean
  /** What it costs to keep a GiB for a month, in the currency of all the others. */
  readonly costPerGiBMonth: number
  /** What a put costs. */
  readonly costPerWrite: number
  /** What a read costs. */
  readonly costPerRead: number
  /** Whether copies can be made there at all. */
  readonly writable: boolean
  /** `up`: it works. `away`: nothing is copied to it, but its copies count. `down`: they do not count any more. */
  readonly state: 'up' | 'away' | 'down'
}
