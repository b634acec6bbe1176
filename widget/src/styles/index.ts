// All style sheets of the element, constructable ones, so that a strict Content-Security-Policy holds.
import { base } from "./base.ts";
import { controls } from "./controls.ts";
import { details } from "./details.ts";
import { glance } from "./glance.ts";
import { grid } from "./grid.ts";
import { tabs } from "./tabs.ts";
import { timeline } from "./timeline.ts";

export const styles = [base, tabs, glance, controls, timeline, grid, details];
