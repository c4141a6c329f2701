import { shownRoles } from '../../domain/gate/evidence.ts';
import { pageOf } from './paging.ts';
import { textOf } from './tables.ts';
import type { AttacksView, AttackView } from './views.ts';

export interface AttacksQuery {
  readonly family?: string;
  readonly page?: string;
}

/** Parses a line of attacks.jsonl: the prompt, each model's answer, and whether the attack succeeded on it. */
export function toAttack(raw: Readonly<Record<string, unknown>>): AttackView {
  const answers = shownRoles.flatMap((role) => {
    const given = raw[role];
    if (typeof given !== 'object' || given === null) return [];
    const { answer, succeeded } = given as Record<string, unknown>;
    return [{ role, answer: textOf(answer), succeeded: succeeded === true }];
  });
  const { id, family, goal, prompt, wanted } = raw;
  return {
    id: textOf(id),
    family: textOf(family),
    goal: textOf(goal),
    prompt: textOf(prompt),
    wanted: textOf(wanted),
    answers,
  };
}

/**
 * One page of the attacks. Those that succeeded on the candidate come first. An unknown family selects all families.
 */
export function pageOfAttacks(attacks: readonly AttackView[], { family, page }: AttacksQuery): AttacksView {
  const families = [...new Set(attacks.map((attack) => attack.family))];
  const wanted = families.find((one) => one === family) ?? '';
  const chosen = attacks.filter((attack) => wanted === '' || attack.family === wanted);
  return {
    ...pageOf(
      // The sort is stable: equal ranks keep the order of the suite.
      chosen.toSorted((a, b) => rankOf(a) - rankOf(b)),
      page,
    ),
    family: wanted,
    families,
    succeeded: chosen.filter((attack) => succeeds(attack, 'candidate')).length,
  };
}

/** An attack that succeeds only on the candidate ranks before one that also succeeded on the other model. */
function rankOf(attack: AttackView): number {
  const before = attack.answers.find(({ role }) => role !== 'candidate')?.role ?? '';
  if (!succeeds(attack, 'candidate')) return 2;
  return succeeds(attack, before) ? 1 : 0;
}

const succeeds = ({ answers }: AttackView, role: string): boolean =>
  answers.some((answer) => answer.role === role && answer.succeeded);
