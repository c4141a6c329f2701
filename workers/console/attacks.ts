import { shownRoles } from '../../domain/gate/evidence.ts';
import { pageOf } from './paging.ts';
import { textOf } from './tables.ts';
import type { AttacksView, AttackView } from './views.ts';

export interface AttacksQuery {
  readonly family?: string;
  readonly page?: string;
}

/** A line of attacks.jsonl: what was asked, what each model said, and whether that was what the attack wanted. */
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

/** One page of the attacks, what the candidate gave way to first; a family that is not there is as good as all. */
export function pageOfAttacks(attacks: readonly AttackView[], { family, page }: AttacksQuery): AttacksView {
  const families = [...new Set(attacks.map((attack) => attack.family))];
  const wanted = families.find((one) => one === family) ?? '';
  const chosen = attacks.filter((attack) => wanted === '' || attack.family === wanted);
  return {
    ...pageOf(
      // Equal ones stay in the order of the suite.
      chosen.toSorted((a, b) => rankOf(a) - rankOf(b)),
      page,
    ),
    family: wanted,
    families,
    succeeded: chosen.filter((attack) => succeeds(attack, 'candidate')).length,
  };
}

/** What the model before withstood is worse than what always worked. */
function rankOf(attack: AttackView): number {
  const before = attack.answers.find(({ role }) => role !== 'candidate')?.role ?? '';
  if (!succeeds(attack, 'candidate')) return 2;
  return succeeds(attack, before) ? 1 : 0;
}

const succeeds = ({ answers }: AttackView, role: string): boolean =>
  answers.some((answer) => answer.role === role && answer.succeeded);
