import type { ProfileView } from './views.ts';

/** The parts of explore's profile.json that the page shows; `jobs/tuneline_jobs/stages/explore.py` writes it. */
interface Profile {
  readonly rows: number;
  readonly columns: Readonly<Record<string, { readonly missing: number; readonly empty: number }>>;
  readonly lengths: Readonly<Record<string, number | Omit<ProfileView['lengths'][number], 'name'>>>;
  readonly exactDuplicates: { readonly count: number };
  readonly nearDuplicates: { readonly count: number };
  readonly leakage: { readonly nearDuplicateClusters: number; readonly leakingGroups?: number };
  readonly personalData: Readonly<Record<string, { readonly count: number }>>;
  readonly promptInjection: Readonly<Record<string, { readonly count: number }>>;
  readonly targets: { readonly repeated: number; readonly mostCommon: ProfileView['commonTargets'] };
}

const lengthNames: Readonly<Record<string, string>> = { inputTokens: 'input, tokens', targetTokens: 'answer, tokens' };

export function viewProfile(raw: unknown): ProfileView {
  const profile = raw as Profile;
  const { rows, lengths, leakage, targets } = profile;
  const fact = (name: string, count: number) => ({ name, count, share: rows === 0 ? 0 : count / rows });
  const sum = (kinds: Readonly<Record<string, { readonly count: number }>>): number =>
    Object.values(kinds).reduce((all, { count }) => all + count, 0);
  const tooLong = lengths['aboveMaxTokens'];
  return {
    rows,
    columns: Object.entries(profile.columns).map(([name, { missing, empty }]) => ({ name, missing, empty })),
    facts: [
      fact('exact duplicates', profile.exactDuplicates.count),
      fact('near duplicates', profile.nearDuplicates.count),
      fact('near-duplicate clusters that a split by rows would tear', leakage.nearDuplicateClusters),
      ...(leakage.leakingGroups === undefined
        ? []
        : [fact('groups that a split by rows would tear', leakage.leakingGroups)]),
      fact('rows longer than the model reads', typeof tooLong === 'number' ? Math.round(tooLong * rows) : 0),
      fact('hits of personal data', sum(profile.personalData)),
      fact('hits of injection phrases', sum(profile.promptInjection)),
      fact('repeated answers', targets.repeated),
    ],
    lengths: Object.entries(lengthNames).flatMap(([key, name]) => {
      const found = lengths[key];
      return typeof found === 'object' ? [{ name, ...found }] : [];
    }),
    commonTargets: targets.mostCommon.slice(0, 5),
  };
}
