export const gpuHours = (gpuSeconds: number): string => (gpuSeconds > 0 ? `${hours(gpuSeconds)} GPU-hours` : 'no GPU');
export const hours = (seconds: number): string => String(Number((seconds / 3600).toPrecision(3)));

/** To the second below an hour, to the minute above. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}
