TITLE Potassium released at a constant rate

COMMENT
A source of extracellular potassium with no dynamics: whatever the voltage, the membrane carries the outward
potassium current `rate` (mA/cm2) and nothing balances it. It is the source used in NEURON's tutorial on
extracellular diffusion. An outward current of 1 mA/cm2 brings 1e-3 / FARADAY = 1.04e-8 mol of potassium per cm2
and second into the extracellular space.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX steady_k
    USEION k WRITE ik
    RANGE ik, rate
}

UNITS {
    (mA) = (milliamp)
}

PARAMETER {
    rate = 1 (mA/cm2)
}

ASSIGNED {
    ik (mA/cm2)
}

INITIAL {
    ik = rate
}

BREAKPOINT {
    ik = rate
}
