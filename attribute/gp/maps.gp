# maps: change what you like, and run gnuplot on this file in its folder; the data are in maps.bin.
if (!exists('part')) part = ''
data_file = 'maps.bin'
width = 12.8947; height = 15.9766 # cm
dpi = 300.
font_size = 7.5 # pt
face = gprintf('DejaVu Sans,%g', font_size)
set encoding utf8
unset key
unset tics
unset border
set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen 1

set label 'input' at second 2.58233333,0.289725 center
set label 'map' at second 5.01226667,0.289725 center
set label 'input' at second 9.17786667,0.289725 center
set label 'map' at second 11.6078,0.289725 center
set label '0 → 9' at second 1.297,1.52505833 right tc rgb '#c1121f'
set label 'p = 1.00' at second 1.297,1.895475 right tc rgb '#c1121f'
set label '1 → 9' at second 1.297,3.95499167 right tc rgb '#c1121f'
set label 'p = 0.99' at second 1.297,4.32540833 right tc rgb '#c1121f'
set label '2 → 9' at second 1.297,6.384925 right tc rgb '#c1121f'
set label 'p = 1.00' at second 1.297,6.75534167 right tc rgb '#c1121f'
set label '0 → 9' at second 1.297,8.81485833 right tc rgb '#c1121f'
set label 'p = 1.00' at second 1.297,9.185275 right tc rgb '#c1121f'
set label '1 → 9' at second 1.297,11.2447917 right tc rgb '#c1121f'
set label 'p = 0.99' at second 1.297,11.6152083 right tc rgb '#c1121f'
set label '2 → 9' at second 1.297,13.674725 right tc rgb '#c1121f'
set label 'p = 0.71' at second 1.297,14.0451417 right tc rgb '#c1121f'
set label '0 → 9' at second 7.89253333,1.52505833 right tc rgb '#c1121f'
set label 'p = 0.61' at second 7.89253333,1.895475 right tc rgb '#c1121f'
set label '1 → 4' at second 7.89253333,3.95499167 right tc rgb '#c1121f'
set label 'p = 0.59' at second 7.89253333,4.32540833 right tc rgb '#c1121f'
set label '2 → 4' at second 7.89253333,6.384925 right tc rgb '#c1121f'
set label 'p = 0.40' at second 7.89253333,6.75534167 right tc rgb '#c1121f'
set label '0 → 4' at second 7.89253333,8.81485833 right tc rgb '#c1121f'
set label 'p = 0.79' at second 7.89253333,9.185275 right tc rgb '#c1121f'
set label '1 → 4' at second 7.89253333,11.2447917 right tc rgb '#c1121f'
set label 'p = 0.61' at second 7.89253333,11.6152083 right tc rgb '#c1121f'
set label '2 → 4' at second 7.89253333,13.674725 right tc rgb '#c1121f'
set label 'p = 0.44' at second 7.89253333,14.0451417 right tc rgb '#c1121f'
# upper left corners of the rows' first maps, in cm; a map's size
array map_x[12] = [1.397000,1.397000,1.397000,1.397000,1.397000,1.397000,7.992533,7.992533,7.992533,7.992533,7.992533,7.992533]
array map_y[12] = [0.524933,2.954867,5.384800,7.814733,10.244667,12.674600,0.524933,2.954867,5.384800,7.814733,10.244667,12.674600]
map_w = 2.370667; map_h = 2.370667; step = 2.429933
set label '0' at second 1.565775,15.3797417 right
set label 'max' at second 3.965775,15.3797417 left
set label 'Colours: each map on a scale of its own.' at second 1.3975,15.7501583 left

set terminal pngcairo noenhanced size ceil(width/2.54*dpi-.5),ceil(height/2.54*dpi-.5) font face fontscale dpi/96 linewidth dpi/72 pointscale dpi/72 background 'white'
mm = 72/25.4/6 # pointsize of a point of 1 mm
set xrange [0.00423333333:12.8904577]; set yrange [15.9723667:0.00427566667]
set x2range [0.00423333333:12.8904577]; set y2range [15.9723667:0.00427566667] # where texts stand
set output '../maps.png'.part
plot for [i=1:12] data_file binary skip=0+(i-1)*9408 array=(56,56) format='%uchar' dx=map_w/56. dy=map_h/56. origin=(map_x[i]+0*step+map_w/112., map_y[i]+map_h/112.) using 1:2:3 with rgbimage title 'column 1', \
     for [i=1:12] data_file binary skip=112896+(i-1)*9408 array=(56,56) format='%uchar' dx=map_w/56. dy=map_h/56. origin=(map_x[i]+1*step+map_w/112., map_y[i]+map_h/112.) using 1:2:3 with rgbimage title 'column 2', \
     data_file binary skip=225792 array=(256,8) format='%uchar' dx=0.008594 dy=0.025000 origin=(1.670072,15.292242) using 1:2:3 with rgbimage title 'bar 1'

set terminal svg noenhanced size ceil(width/2.54*96-.5),ceil(height/2.54*96-.5) font face fontscale 96/72. linewidth 96/72. background 'white'
mm = 96/25.4/.75/font_size # pointsize of a point of 1 mm
set xrange [0:12.8943806]; set yrange [15.9766:0.000352777778]
set x2range [0:12.8943806]; set y2range [15.9390292:-0.0372180556] # where texts stand
set output '../maps.svg'.part
replot

set terminal pdfcairo noenhanced size (ceil(width/2.54*72-.5)+.1)/72,(ceil(height/2.54*72-.5)+.1)/72 font face fontscale .75 linewidth 2 pointscale 1 background 'white'
mm = 72/25.4/6 # pointsize of a point of 1 mm
set xrange [0.0176388889:12.8769181]; set yrange [15.9589611:0.0178152778]
set x2range [0.0176388889:12.8769181]; set y2range [15.9589611:0.0178152778] # where texts stand
set output '../maps.pdf'.part
replot
set output
