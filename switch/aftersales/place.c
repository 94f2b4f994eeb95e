/* A degree of latitude is 111.2 km; one of longitude as much times the cosine of the latitude. */
#include "switch/aftersales/place.h"

#define METRES_PER_DEGREE 111195
#define WHOLE_CIRCLE_E3 360000

/* Cosines of 0 to 90 degrees in steps of five, per mille; in between by straight lines. */
static const int32_t COSINES[] = {1000, 996, 985, 966, 940, 906, 866, 819, 766, 707,
                                  643,  574, 500, 423, 342, 259, 174, 87,  0};

static int64_t cosine(int64_t latitude_e3)
{
    int64_t positive = latitude_e3 < 0 ? -latitude_e3 : latitude_e3;
    int64_t step = positive / 5000, rest = positive % 5000;
    if (step >= 18) {
        return 0;
    }
    return COSINES[step] + (COSINES[step + 1] - COSINES[step]) * rest / 5000;
}

static int64_t square_root(int64_t square)
{
    int64_t root = 0;
    for (int64_t bit = INT64_C(1) << 30; bit > 0; bit /= 2) {
        root += (root + bit) * (root + bit) <= square ? bit : 0;
    }
    return root;
}

int64_t place_distance_m(struct place from, struct place to)
{
    int64_t north_e3 = (int64_t)to.latitude_e3 - from.latitude_e3;
    int64_t east_e3 = (int64_t)to.longitude_e3 - from.longitude_e3;
    east_e3 = east_e3 < 0 ? -east_e3 : east_e3;
    east_e3 = east_e3 > WHOLE_CIRCLE_E3 / 2 ? WHOLE_CIRCLE_E3 - east_e3 : east_e3;
    int64_t middle_e3 = ((int64_t)to.latitude_e3 + from.latitude_e3) / 2;
    int64_t north_m = north_e3 * METRES_PER_DEGREE / 1000;
    int64_t east_m = east_e3 * METRES_PER_DEGREE / 1000 * cosine(middle_e3) / 1000;
    return square_root(north_m * north_m + east_m * east_m);
}
