: Gates that start from concentrations and a reversal potential, as those of many channels do.
NEURON {
    SUFFIX sees
    USEION ca READ cai, cao, eca
    RANGE inside, outside, potential
}
ASSIGNED {
    cai (mM)
    cao (mM)
    eca (mV)
}
STATE { inside outside potential }
INITIAL {
    inside = cai/(cai + 1e-4)
    outside = cao/(cao + 1)
    potential = eca/100
}
BREAKPOINT { SOLVE states METHOD cnexp }
DERIVATIVE states {
    inside' = (cai/(cai + 1e-4) - inside)/50
    outside' = (cao/(cao + 1) - outside)/50
    potential' = (eca/100 - potential)/50
}
