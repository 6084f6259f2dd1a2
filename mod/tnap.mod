TITLE Persistent sodium current

COMMENT
Of the neurons of Newton et al. 2018 (ModelDB 238892), written anew from its equations: both gates follow the voltage at
once. The published file also integrates a slow state h that no current takes; it is left out.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX tnap
    USEION na READ ena WRITE ina
    RANGE g
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S) = (siemens)
    (mS) = (millisiemens)
}

PARAMETER {
    g = 0.4 (mS/cm2)
}

ASSIGNED {
    v (mV)
    ena (mV)
    ina (mA/cm2)
    open (S/cm2)
}

BREAKPOINT {
    LOCAL m, h
    CONDUCTANCE open USEION na
    m = 1 / (1 + exp(-(v + 40(mV)) / 6(mV)))
    h = 1 / (1 + exp((v + 48(mV)) / 6(mV)))
    open = (0.001) * g * m * h
    ina = open * (v - ena)
}
