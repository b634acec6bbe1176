// The desktop may load a widget's script as a classic one, which a module is not: this loads it either way.
import("https://journeys.example/widget/customer-journey.js");
